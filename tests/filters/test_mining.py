"""Mining finds what was planted, at the top, and nothing where there is nothing."""

import itertools
import re
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import mining as module
from filters.mining import Finding, Mined, Read, mine, rules
from filters.pattern_rules import excerpt, finder
from filters.patterns import patterns
from schemas.identity import rng_for
from tests.linear_time import assert_linear

PLANTED = (
    *("hold on, that looks off", "let me verify this", "going back a step", "another route would be", "to summarise what we have"),
    *("working backwards from the goal", "oops, I misread it", "as a sanity check", "scrap that idea", "what if we swap them"),
    *(
        "等等，好像不对",
        "让我再检查一遍",
        "换个角度来看",
        "从结论倒推",
        "总结一下结果",
        "先分成几步",
        "代入检验一次",
        "此路走不通",
        "或者考虑补集",
        "我刚才算错",
    ),
)
PLAIN = {
    "en": "so the total is {n} . then we add $x$ to both sides . this gives {n} apples . the sum is even , as needed .",
    "zh": "所以总数是{n}。然后两边同时加上$x$。由此得到{n}个苹果。这个和是偶数。",
}


def corpus(seed: int, name: str, rows: int, rates: Sequence[float] = ()) -> list[str]:
    """Return chains of shuffled plain sentences, every second one Chinese, with each planted opener at its rate."""
    texts = []
    for row in range(rows):
        rng = rng_for(seed, name, row)
        language = "en" if row % 2 else "zh"
        end = ". " if language == "en" else "。"
        sentences = [one.strip() for one in PLAIN[language].split(end.strip()) if one.strip()]
        chosen = [rng.choice(sentences).format(n=rng.randrange(100)) for _ in range(8)]
        for opener, rate in zip(PLANTED, rates, strict=False):
            if opener.isascii() == (language == "en") and rng.random() < rate:
                chosen.insert(rng.randrange(len(chosen)), opener)
        texts.append(end.join(chosen) + end)
    return texts


def read(texts: Sequence[str], size: int = 64) -> Read:
    def batches() -> Iterator[Sequence[str]]:
        return (texts[first : first + size] for first in range(0, len(texts), size))

    return batches


def mined(ours: Sequence[str], theirs: Sequence[str]) -> Mined:
    return mine((read(ours), read(theirs)))


HIGH = [0.35 + 0.02 * (place % 10) for place in range(20)]


def test_all_planted_openers_are_at_the_top_and_nothing_else_is_there() -> None:
    found = mined(corpus(1, "ours", 600, HIGH), corpus(1, "theirs", 600, [0.05] * 20)).findings
    first = [one for one in found if one.z > 0]
    assert len(first) == 20 and {one.kind for one in first} == {"opener"}
    for opener in PLANTED:
        words = "".join(one for one in opener.lower() if one not in "，, ")
        (one,) = [one for one in first if words.startswith("".join(one.words))]
        assert one.log_odds > 0.5 and one.p_adjusted < 0.05 and one.language == ("en" if opener.isascii() else "zh")
        assert one.documents > 2 * one.documents_against and any(opener in text for text in one.examples)


@pytest.mark.parametrize("seed", range(3))
def test_one_corpus_split_at_random_shows_nothing(seed: int) -> None:
    texts = corpus(seed, "null", 400, HIGH)
    rng_for(seed, "split", 0).shuffle(texts)
    for size in (200, 20):
        found = mined(texts[:size], texts[size:])
        assert found.tested > 100 and found.findings == ()


def test_a_chain_that_loops_makes_no_pattern() -> None:
    ours, theirs = corpus(2, "ours", 100), corpus(2, "theirs", 100)
    looping = [ours[0] + "Wait, that is wrong. " * 500, *ours[1:]]
    assert mined(looping, theirs).findings == ()
    spread = [text + ("Wait, that is wrong. " * 5 if place < 60 else "") for place, text in enumerate(ours)]
    assert mined(spread, theirs).findings[0].words[:2] == ("wait", "that")


def test_the_other_side_mirrors_and_the_same_rows_show_nothing() -> None:
    ours, theirs = corpus(3, "ours", 100, HIGH), corpus(3, "theirs", 100)

    def key(one: Finding, sign: int) -> tuple[object, ...]:
        counts = [(one.count, one.documents), (one.count_against, one.documents_against)][::sign]
        return one.words, one.kind, *counts, round(sign * one.z, 9), round(one.p_adjusted, 12)

    there, back = mined(ours, theirs).findings, mined(theirs, ours).findings
    assert there and sorted(key(one, 1) for one in there) == sorted(key(one, -1) for one in back)
    assert mined(ours, ours).findings == ()


@pytest.mark.parametrize("size", [9, 300])
def test_counts_do_not_depend_on_batches_or_order(size: int) -> None:
    ours, theirs = corpus(4, "ours", 60, [0.9] * 20), corpus(4, "theirs", 60)
    expected = mined(ours, theirs)
    found = mine((read(rng_for(4, "order", size).sample(ours, len(ours)), size), read(theirs, size)))
    assert expected.findings and found.tested == expected.tested
    assert [(one.words, one.count, one.documents, one.z) for one in found.findings] == [
        (one.words, one.count, one.documents, one.z) for one in expected.findings
    ]


@given(st.lists(st.text(alphabet="ab 1.!\n等你$\\()’'", max_size=40), max_size=5))
def test_patterns_are_the_words_of_sentences(texts: list[str]) -> None:
    batch = patterns(texts)
    for place in range(len(batch.keys)):
        words = batch.words(place)
        assert 1 <= len(words) <= 6 and all(words)
        assert 0 <= batch.document(place) < len(texts)
    assert len(batch.units) == len(texts)


def test_a_pattern_is_counted_as_often_as_it_stands() -> None:
    batch = patterns(["Wait, I see 3 + 4. Wait! I don’t. $x^2$ is 1.5\n- wait\nthe costs of $5 and $6", "等等。等等，我再看 12 遍"])
    seen = [" ".join(batch.words(place)) for place in range(len(batch.keys))]
    assert seen.count("wait") == 3 * 2  # as a word, and as an opener
    assert seen.count("don't") == 1 and "see \x01" in seen and "\x01 \x01" not in seen and "\x02 is \x01" in seen
    assert "wait wait" not in seen and "\x01 wait" not in seen and "$" not in "".join(seen)
    assert seen.count("等 等") == 2 * 2 and "看 \x01 遍" in seen and "of \x01 and \x01" in seen


def test_rules_hold_their_own_examples() -> None:
    ours = [text + "Let me check 3 + 4 = 7. 让我再检查一遍。" for text in corpus(5, "ours", 80)]
    theirs = [text + "They check 5 bags. 我再看看。" for text in corpus(5, "theirs", 80)]
    found = [one for one in mined(ours, theirs).findings if one.z > 0]
    made = rules(found, read(theirs))
    assert {one.language for one in made} == {"en", "zh"} and all(one.positive for one in made)
    for one in made:
        assert not set("*+") & set(one.pattern.replace("\\+", ""))
        assert all(re.search(one.pattern, text.lower()) for text in one.positive)
        assert not any(re.search(one.pattern, text.lower()) for text in one.negative)
    assert "They check 5 bags." in list(itertools.chain.from_iterable(one.negative for one in made))


UNITS = ("$", "$a", "$$a", "\\(", "\\(a", "\\(\\", "\\[ a", "1", "1 ", "1,", "1.", "a'", "<|", "<|a", "wait ", "等", "\u0301")


@pytest.mark.load
@pytest.mark.parametrize("unit", UNITS)
def test_time_is_linear(unit: str) -> None:
    def run(text: str) -> None:
        patterns([text])
        excerpt(text, finder(("let", "\x01", "me"), opener=True))
        excerpt(text, finder(("\x02", "等"), opener=False))

    assert_linear(run, unit * (2_000 // len(unit)), unit * (20_000 // len(unit)))


def test_what_is_beyond_the_bound_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = corpus(6, "ours", 60, [0.9] * 20), corpus(6, "theirs", 60)
    whole = mined(ours, theirs)
    monkeypatch.setattr(module, "MOST_FOUND", 3)
    cut = mined(ours, theirs)
    assert whole.beyond == 0 and cut.beyond >= whole.significant - 6 > 0 and 1 <= len(cut.findings) <= 6
