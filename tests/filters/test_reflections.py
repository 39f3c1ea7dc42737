"""The tagger: what its data files say of themselves, spans, guards, signals, and linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.reflection_rules import LANGUAGES, Guard, Rule, guards, rules
from filters.reflections import reflections, tag
from schemas.annotation import LABELS
from tests.linear_time import assert_linear

words = st.sampled_from(
    [
        *(
            "wait",
            "Wait, ",
            "hmm. ",
            "Let me check",
            "等等，",
            "不对。",
            "x = 3",
            ". ",
            "\n",
            '"',
            "`",
            "```",
            "İ",
            " ",
            "综上，",
            "so ",
        ),
        *("Is that right?", "the total is 12", "the total is 15", "，", "?", "？", "Student: ", "'", "# ", "🙂", "\u3000", "\r"),
    ]
)
texts = st.one_of(st.text(), st.lists(words, max_size=20).map("".join))


def named(rule: Rule | Guard) -> str:
    return f"{rule.label}-{rule.language}" if isinstance(rule, Rule) else f"{rule.family}-{rule.language}"


@pytest.mark.parametrize("rule", rules(), ids=named)
def test_every_rule_keeps_to_its_examples(rule: Rule) -> None:
    assert rule.positive
    assert rule.negative
    labels = {text: [one.label for one in tag(text)] for text in (*rule.positive, *rule.negative)}
    assert [text for text in rule.positive if rule.label not in labels[text]] == []
    assert [text for text in rule.negative if rule.label in labels[text]] == []


@pytest.mark.parametrize("guard", guards(), ids=named)
def test_every_guard_keeps_to_its_examples(guard: Guard) -> None:
    assert guard.hides
    assert guard.keeps
    assert [text for text in guard.hides if tag(text)] == []
    assert [text for text in guard.keeps if not tag(text)] == []


def test_every_pattern_needs_a_word_and_no_group_captures() -> None:
    patterns = [
        pattern for one in (*rules(), *guards()) if isinstance(one, Rule) or one.scope != "line" for pattern in one.patterns
    ]
    assert [pattern.source for pattern in patterns if not pattern.words or re.compile(pattern.source).groups] == []


def test_every_label_has_rules_in_every_language() -> None:
    assert {(rule.label, rule.language) for rule in rules()} == {(label, language) for label in LABELS for language in LANGUAGES}


def test_a_span_is_the_sentence_in_code_points_and_the_marker_its_words() -> None:
    text = "😀 So x = 4. Wait, that is odd. 所以x=4。等等，少了一项。"
    assert [(one.label, text[one.start : one.end], one.marker, one.signal) for one in tag(text)] == [
        ("hesitation", "Wait, that is odd.", "Wait", None),
        ("hesitation", "等等，少了一项。", "等等", None),
    ]


def test_a_marker_late_in_a_sentence_makes_the_whole_sentence_the_span() -> None:
    text = "The first of the two terms is 12 and the second is 30, wait, the second is 33."
    assert [(one.start, one.end, one.marker) for one in tag(text) if one.label == "hesitation"] == [(0, len(text), "wait")]


def test_sentences_in_a_row_with_one_label_are_one_reflection() -> None:
    text = "Let me check. Let me verify this with n = 1. Then x = 3. Let me check."
    spans = [text[one.start : one.end] for one in tag(text) if one.label == "verification"]
    assert spans == ["Let me check. Let me verify this with n = 1.", "Let me check."]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nwait\n# wait, what\n```",
        "Call `\nx`. `wait` blocks.",
        "x = run()  # wait, let me check this",
        'He said: "Wait, let me check."',
        "He said: 'Wait, let me check.'",
        "他说：“等等，不对。”",
        "他说：「等等，不对。」",
        "```\nWait, an open fence",
        "the await keyword; waiter",
        "The wait time is 5 minutes.",
        "Student: Wait, let me check that again.",
        "苹果、梨、桃等等。",
    ],
)
def test_what_is_not_the_writers_own_is_passed_over(text: str) -> None:
    assert tag(text) == []


def test_a_lone_quotation_mark_hides_nothing() -> None:
    assert [found.label for found in tag('A 5" pipe.\nWait, that is long.')] == ["hesitation"]


def test_the_problems_own_words_are_passed_over() -> None:
    question = "Ann says: wait, let me check the clock. How long does she wait?"
    assert tag("wait, let me check the clock.\nSo 5 minutes.", question) == []
    assert tag("wait, let me check the sum.\nSo 5 minutes.", question) != []


@pytest.mark.parametrize(
    ("text", "label", "signal"),
    [
        ("There are 312 rows. 290 matched, 22 did not, and 290 + 22 = 312.", "verification", "restated"),
        ("共有312行。其中290行匹配，22行没有，290+22=312。", "verification", "restated"),
        ("Ann has 420 dollars. Ben has 615. Cy has 345. Ann 420, Ben 615, Cy 345.", "summary", "gathered"),
        ("So the perimeter is 40. Both sides count, and the perimeter is 44.", "self_correction", "revised"),
        ("So t = 9 s. Nine seconds for a drop as high as a house?", "hesitation", "doubted"),
        ("The sum is 12. Did I count the endpoints?", "hesitation", "own_question"),
        ("The tank holds 24 litres. Before that it must have held 48 litres.", "backward_chaining", "necessity"),
    ],
)
def test_signals_without_words(text: str, label: str, signal: str) -> None:
    assert [(one.label, one.signal, one.marker) for one in tag(text) if one.label == label] == [(label, signal, None)]


@pytest.mark.parametrize(
    "text",
    [
        "There are 312 rows. 290 matched and 25 did not, so 290 + 25 = 315.",
        "Ann has 420 dollars. Ben has 615. Cy has 345. Ann 420, Ben 615, Cy 999.",
        "So the perimeter is 40. Both sides count, and the area is 44.",
        "So t = 9 s. How many seconds does it take?",
        "If x is odd, the sum is 12. If x is even, the sum is 15.",
    ],
)
def test_what_is_no_signal(text: str) -> None:
    assert [one for one in tag(text) if one.signal is not None] == []


@settings(deadline=None)
@given(texts)
def test_tags_are_well_formed(text: str) -> None:
    found = tag(text)
    assert found == sorted(found, key=lambda one: (one.start, one.end, one.label))
    for one in found:
        assert one.label in LABELS
        assert 0 <= one.start < one.end <= len(text)
        assert not text[one.start].isspace() and not text[one.end - 1].isspace()
        assert (one.marker is None) != (one.signal is None)
        assert one.marker is None or one.marker in text[one.start : one.end]
        assert one.effect is None


@settings(deadline=None)
@given(texts, st.sampled_from(["", " ", "\n", "\t \n", "\u3000"]), st.sampled_from(["", " ", "\n", "  \n"]))
def test_surrounding_space_only_shifts(text: str, before: str, after: str) -> None:
    shift = len(before)
    shifted = [one._replace(start=one.start + shift, end=one.end + shift) for one in tag(text)]
    assert tag(before + text + after) == shifted


@pytest.mark.parametrize(
    "text",
    ["1. Wait, let me check.", "Anna: Wait, no.", "B. Let me check it.", "# wait, let me", "// wait, no", "'Wait, no' he said"],
)
@pytest.mark.parametrize("space", [" ", " " * 10, "\u3000", "\t\n"])
def test_what_opens_a_text_opens_it_behind_white_space_too(text: str, space: str) -> None:
    shifted = [one._replace(start=one.start + len(space), end=one.end + len(space)) for one in tag(text)]
    assert tag(space + text + space * 10) == shifted


def test_a_quotation_is_one_whatever_stands_elsewhere() -> None:
    assert tag("['wait, let me check'] x") == tag("['wait, let me check'] x 'a b'") == []


@pytest.mark.parametrize("space", ["\x1c", "\x1d", "\x1e", "\x1f", "\x0b", "\t", "\x85", "\xa0", "\u2028"])
def test_white_space_of_any_kind_is_white_space(space: str) -> None:
    for text in (f"So{space}wait, it is 3.", f"So{space}wait, it is 3 é."):
        assert [(one.label, one.start) for one in tag(text)] == [("hesitation", 0)]


@settings(deadline=None)
@given(st.lists(texts, max_size=5), st.randoms(use_true_random=False))
def test_the_column_is_the_tag_of_each_text_in_any_order(column: list[str], random: object) -> None:
    order = list(range(len(column)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert [reflections([column[place] for place in order])[at] for at in range(len(order))] == [
        tag(column[place]) for place in order
    ]


@pytest.mark.load
@pytest.mark.parametrize(
    "unit",
    [
        "\n",
        "wait, ",
        "```",
        "`",
        '"',
        "“",
        "so ",
        ".",
        "，要证",
        "'",
        "let me ",
        "check ",
        "等等",
        "a",
        "12, ",
        "the total is 12. ",
        "? ",
    ],
)
def test_time_is_linear(unit: str) -> None:
    assert_linear(tag, unit * (30_000 // len(unit)), unit * (300_000 // len(unit)), times=20)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Answer: 13. Wait, that's wrong. The answer is 12.", {"hesitation", "self_correction"}),
        ("Wait, the friend said she has 12.", {"hesitation"}),
        ("不对，老师说的是12个。", {"self_correction"}),
        (r"\[ x = 5 \] Wait, x is 6.", {"hesitation"}),
        ("😀Hmm, x is 6.", {"hesitation"}),
        ("等一下，我再檢查一次：3+3=6。", {"hesitation", "verification"}),
    ],
)
def test_the_writers_own_words_count_beside_what_looks_alike(text: str, labels: set[str]) -> None:
    assert labels <= {one.label for one in tag(text)}


@pytest.mark.parametrize(
    "text",
    [
        "Anna: Wait, let me check my ticket.",
        "~~~\nWait, let me check.\n~~~",
        "````\n```\nWait, no.\n```\n````",
        "数列1、3、5等等。",
        "例如2, 3, 5, 7等等，都是素数。",
        "包括 $x$、$y$ 等等。",
        "There is an error in the bill, he said.",
    ],
)
def test_what_looks_alike_counts_for_nothing(text: str) -> None:
    assert tag(text) == []
