"""Leaks: every pattern's own examples, a gold that is named before it is derived, what is innocent, spans, linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.leaks import LANGUAGES, NAME, Pattern, leak, leaks, patterns
from schemas.annotation import Leak
from tests.builders import a_problem
from tests.linear_time import assert_linear

DUCKS = "Janet's ducks lay 16 eggs a day. She eats 3 and bakes with 4. She sells the rest for $2 each. How much does she make?"
STEPS = "16 - 3 - 4 = 9 eggs are left. She makes 9 * 2 = $18."
RIVERS = "Where does a river end?"
OPTIONS = ("the sky", "the sea", "a desert")
WORDS = "Rivers flow downhill all the way from the mountains where they rise, and downhill of everything else there is a sea."


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: f"{pattern.language}-{pattern.pattern[:24]}")
def test_every_pattern_keeps_to_its_examples(pattern: Pattern) -> None:
    own = re.compile(pattern.pattern)
    assert pattern.positive
    assert pattern.negative
    assert [text for text in pattern.positive if not own.search(text.lower())] == []
    assert [text for text in pattern.positive if (found := leak(text, None, "")) is None or found.kind != "quotes_hint"] == []
    assert [text for text in pattern.negative if leak(text, None, "") is not None] == []


@pytest.mark.parametrize("pattern", patterns(), ids=lambda pattern: f"{pattern.language}-{pattern.pattern[:24]}")
def test_patterns_are_bounded_and_have_no_groups(pattern: Pattern) -> None:
    assert re.compile(pattern.pattern).groups == 0
    assert not re.search(r"(?<!\\)[*+]|\{\d*,\}", re.sub(r"\[[^\]]*\]", "", pattern.pattern))
    assert pattern.language in LANGUAGES


def test_a_quoted_hint_is_named_where_it_stands() -> None:
    text = "😀 " + STEPS + " The Hint says 18, so it fits."
    start = text.index("The Hint")
    assert leak(text, "18", DUCKS) == Leak("quotes_hint", start, start + len("The Hint says"), "The Hint says")


def test_words_that_the_question_itself_has_excuse() -> None:
    assert leak("The hint says where the key is.", None, "Read the hint and find the key.") is None
    assert leak("The hint says where the key is.", None, "Find the key.") is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "The answer is 18.",
        "The answer is $18.00 because of the eggs.",
        "The answer is eighteen.",
        "We want to get 18.",
        "To reach 18, we count eggs.",
        "The total must be 18.",
        "18 is the correct answer.",
        "We know that it is 18.",
        "So the result is \\(\\boxed{18}\\).",
        "答案是18。",
        "为了得到18，我们数鸡蛋。",
    ],
)
def test_a_gold_named_before_anything_derives_it_leaks(sentence: str) -> None:
    found = leak(f"{sentence}\n{STEPS}", "18", DUCKS)
    assert found is not None
    assert found.kind == "names_gold_first"
    assert found.end <= len(sentence)


@pytest.mark.parametrize(
    ("text", "gold", "question"),
    [
        (STEPS, "18", DUCKS),
        (STEPS + " The answer is 18.", "18", DUCKS),
        (STEPS + "\n#### 18", "18", DUCKS),
        ("There are eggs. The answer is 18.", "18", DUCKS),  # it ends there: an answer without steps, which is another flag
        ("9 eggs at 2 dollars each, so the answer is 18. Check: 18 / 2 = 9.", "18", DUCKS),
        ("The answer is 19. " + STEPS, "18", DUCKS),
        ("She wants to get 18 dollars. " + STEPS, "18", "She wants 18 dollars. How many eggs?"),
        ("There are 18 hens. " + STEPS, "18", DUCKS),
        ("The answer is 180. " + STEPS, "18", DUCKS),
        ("The answer is 18. " + STEPS, None, DUCKS),
    ],
)
def test_a_gold_that_is_derived_asked_or_only_mentioned_does_not(text: str, gold: str | None, question: str) -> None:
    assert leak(text, gold, question) is None


@pytest.mark.parametrize(
    ("text", "leaking"),
    [
        (f"The answer is (B). {WORDS}", True),
        (f"The answer is B because of this. {WORDS}", True),
        (f"The correct option is the sea. {WORDS}", True),
        (f"B is the correct answer. {WORDS}", True),
        (f"The answer is (A). {WORDS}", False),
        (f"Let us see. A river ends somewhere. {WORDS}", False),
        (f"{WORDS} So the answer is (B). {WORDS}", False),
        ("The answer is (B).", False),
    ],
)
def test_of_choices_the_label_or_the_text_counts_before_any_reasoning(text: str, leaking: bool) -> None:
    for gold in ("B", "the sea"):
        assert (leak(text, gold, RIVERS, OPTIONS) is not None) == leaking


def test_only_hinted_chains_are_judged() -> None:
    problem = a_problem(question=DUCKS, answer="18")
    rows = ["We are told the answer. " + STEPS, STEPS, "The answer is 18. " + STEPS]
    assert leaks(rows, [problem] * 3, [False] * 3) == [None] * 3
    assert [found.kind if found else None for found in leaks(rows, [problem] * 3, [True] * 3)] == [
        "quotes_hint",
        None,
        "names_gold_first",
    ]
    assert re.fullmatch(r"leak_v\d+", NAME)


pieces = st.sampled_from(
    [
        "The answer is ",
        "18",
        "eighteen",
        "B",
        "(b)",
        ". ",
        "\n",
        "the hint says ",
        "答案是",
        "提示",
        "İ",
        "we are told ",
        STEPS,
        WORDS,
    ]
)
texts = st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join))


@settings(deadline=None)
@given(
    texts,
    st.one_of(st.none(), texts, st.sampled_from(["18", "B", "the sea", "\\frac{1}{2}"])),
    texts,
    st.sampled_from([(), OPTIONS]),
)
def test_any_text_gets_a_well_formed_leak(text: str, gold: str | None, question: str, choices: tuple[str, ...]) -> None:
    found = leak(text, gold, question, choices)
    assert found == leak(text, gold, question, choices)
    if found is not None:
        assert 0 <= found.start < found.end <= len(text)
        assert found.marker == text[found.start : found.end]


@pytest.mark.load
@pytest.mark.parametrize(
    "unit", ["the hint says ", "the answer ", "18 ", "B ", "(a) ", "1,111,", "a) x ", "答案", "提示", "told the ", " ", "\n", "1"]
)
def test_time_is_linear(unit: str) -> None:
    def run(text: str) -> None:
        for gold, choices in (("18", ()), ("B", OPTIONS), ("the sea", ())):
            leak(text, gold, "Read the hint, 提示.", choices)

    assert_linear(run, unit * (2_000 // len(unit)), unit * (20_000 // len(unit)))
