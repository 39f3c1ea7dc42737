"""Chains without their reflections, or with these moved: what is left, and that the answer is."""

import collections

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from filters.reflections import tag
from filters.sentences import Span
from pipeline.ablation import moved, stripped
from pipeline.cutting import parted, placed, said
from schemas.sample import chain_text
from tests.builders import a_problem

BITS = st.sampled_from(
    [
        *("So x = 4.", "Wait, no.", "等等，不对。", "所以是 4。", "Hmm 🙂?", "12.", "It is $5.", "The answer is 42.", "答案是42。"),
        *(
            " ",
            "\n",
            "\n\n",
            "- ",
            "2. ",
            "  ",
            "\\[",
            "\\]",
            "**",
            "e.g.",
            "Let me check: 6 * 7 = 42!",
            "\u3000",
            "İ",
            "\\boxed{42}",
        ),
    ]
)
ANSWERS = ("The answer is 42.", "答案是42。", "So it is \\boxed{42}.\n", "Wait, so it is 42.", "Thus 6 * 7 = 42.")
TEXT = st.lists(BITS, max_size=12).map("".join)
CUTS = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 30)).map(lambda one: Span(one[0], one[0] + one[1])), max_size=4)


def _spans(chain: str, *words: str) -> list[Span]:
    return [Span(chain.index(one), chain.index(one) + len(one)) for one in words]


THOUGHT = "  Six sevens: 41 🙂.\n\n1. Wait, 6 × 7 is 42. So it is 42.\n2. Hmm.\n\n等等，我再检查一下。42 对。"
RESPONSE = "Let me check: 42 / 7 = 6. It fits.\n\nThe answer is 42. Hmm, yes."


def test_sentences_go_from_the_thought_and_the_response_and_the_white_space_is_mended() -> None:
    chain = chain_text(THOUGHT, RESPONSE)
    spans = _spans(chain, "6 × 7 is 42.", "Hmm.", "等等，我再检查一下。", "check", "Hmm, yes.")
    assert stripped(THOUGHT, RESPONSE, spans) == (
        "  Six sevens: 41 🙂.\n\n1. So it is 42.\n\n42 对。",
        "It fits.\n\nThe answer is 42.",
        5,
    )
    assert moved(THOUGHT, RESPONSE, spans) == (
        "  Six sevens: 41 🙂.\n\n1. So it is 42.\n\n42 对。\n\nWait, 6 × 7 is 42.\nHmm.\n等等，我再检查一下。",
        "It fits.\n\nLet me check: 42 / 7 = 6.\nHmm, yes.\nThe answer is 42.",
        5,
    )


def test_what_is_at_the_end_already_is_not_moved() -> None:
    for thought in ("Six sevens. Wait, so 42.", "Six sevens.\n\nWait, so 42.\n", "Wait, so 42. "):
        start = thought.index("Wait")
        assert moved(thought, "42", [Span(start, start + 4)]) == (thought, "42", 0)
    assert moved("Wait. Six sevens.", "42", [Span(0, 4)]) == ("Six sevens.\n\nWait.", "42", 1)


@pytest.mark.parametrize("answer", ["\\[\n\\boxed{42}\n\\]", "\\boxed{42}", "42", "**42**"])
def test_what_is_moved_stands_before_the_words_that_lead_to_the_answer(answer: str) -> None:
    response = f"Wait, is it? Six sevens it is.\n\nTherefore, the answer is:\n\n{answer}"
    assert moved("", response, [Span(0, 12)])[1:] == (
        f"Six sevens it is.\n\nWait, is it?\nTherefore, the answer is:\n\n{answer}",
        1,
    )


def test_a_thought_of_nothing_else_goes_where_a_response_is_left() -> None:
    assert stripped("Wait. Hmm.", "42", [Span(0, 10)]) == ("", "42", 2)
    assert stripped("Wait. Hmm.", "", [Span(0, 10)]) == ("Wait. Hmm.", "", 0)
    assert stripped("", "Wait. Hmm.", [Span(0, 10)]) == ("", "Wait. Hmm.", 0)
    assert stripped("", "Wait.\n\nSo it is 42.", [Span(0, 5)]) == ("", "So it is 42.", 1)


@pytest.mark.parametrize(
    "response",
    [
        "Let me check, the answer is 42.",
        "Check: \\boxed{42}",
        "The answer is 41. Wait, that is wrong. The answer is 42.",
        "<think>Wait.</think>The answer is 42.",
        "等等，答案是42。",
        "42",
    ],
)
def test_what_commits_to_the_answer_stays(response: str) -> None:
    everything = [Span(0, len(response))]
    assert stripped("", response, everything) == ("", response, 0)
    assert moved("", response, everything)[1:] == (response, 0)


def test_a_sentence_that_opens_what_another_closes_stays() -> None:
    text = "Check: \\[\n6 * 7\n\\] Wait, ok. **Hmm. So.**"
    assert parted(text, [Span(0, len(text))]).left == text
    assert parted("Wait, ok. $$x$$ is **4**. So.", [Span(0, 12)]).left == "So."
    long = f"Wait, {'so it is, ' * 60}."
    assert parted(long, [Span(0, 4)]).cut == []


@given(TEXT, TEXT)
def test_cutting_nothing_gives_the_same_text(reasoning: str, response: str) -> None:
    for how in (stripped, moved):
        assert how(reasoning, response, []) == (reasoning, response, 0)
        behind = len(chain_text(reasoning, response))
        assert how(reasoning, response, [Span(behind, behind + 5)]) == (reasoning, response, 0)


def _is_within(part: str, whole: str) -> bool:
    letters = iter(whole)
    return all(letter in letters for letter in part)


@given(TEXT, TEXT, CUTS)
@example("12. So.\nHmm? 12. Wait.", "The answer is 42.", [Span(8, 12)])
def test_what_is_left_is_the_lines_in_their_order_and_what_is_moved_the_same_sentences(
    reasoning: str, response: str, spans: list[Span]
) -> None:
    chain = chain_text(reasoning, response)
    thought, answer, cut = stripped(reasoning, response, spans)
    for left, whole in ((thought, reasoning), (answer, response)):
        lines = iter(whole.split("\n"))
        assert all(any(_is_within(line, other) for other in lines) for line in left.split("\n")) or not left
    assert bool(chain_text(thought, answer)) == bool(chain) and bool(answer) == bool(response)
    counts = [collections.Counter(said(one)) for one in (reasoning, response, thought, answer)]
    gone = counts[0] + counts[1] - counts[2] - counts[3]
    assert gone.total() == cut and (cut > 0 or (thought, answer) == (reasoning, response))
    touched = collections.Counter(chain[a:b] for a, b in placed(chain) if any(a < end and start < b for start, end in spans))
    assert not gone - touched
    there = moved(reasoning, response, spans)
    for text, whole in zip(there, (reasoning, response), strict=False):
        assert collections.Counter(said(text)) == collections.Counter(said(whole))
        assert text == whole or said(text) != said(whole)
    assert (there[2] == 0) == (there[:2] == (reasoning, response))
    assert there[2] <= cut


@given(TEXT, st.sampled_from(ANSWERS), TEXT, CUTS)
def test_the_verdict_on_a_right_answer_stays_as_it_is(before_it: str, stated: str, behind: str, spans: list[Span]) -> None:
    response = f"{before_it}{stated}{behind}"
    before = CHECKERS["numeric"].check(a_problem(), response)
    for how in (stripped, moved) if before.status == "correct" else ():
        after = CHECKERS["numeric"].check(a_problem(), how("", response, spans)[1])
        assert (after.status, after.extracted) == (before.status, before.extracted)


def test_what_is_left_has_fewer_reflections() -> None:
    spans = [Span(one.start, one.end) for one in tag(chain_text(THOUGHT, RESPONSE))]
    thought, answer, cut = stripped(THOUGHT, RESPONSE, spans)
    assert cut >= 4 and len(tag(chain_text(thought, answer))) < len(spans) / 2


def test_every_line_of_a_long_chain_is_cut() -> None:
    line = "So x = 4. Wait, let me check. 2 * 4 = 8.\n"
    text = line * 5000
    spans = [Span(place + 10, place + 29) for place in range(0, len(text), len(line))]
    assert parted(text, spans).left == "So x = 4. 2 * 4 = 8.\n" * 5000
