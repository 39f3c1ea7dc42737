"""What a text takes back, doubts or goes on to; and that no text takes more than linear time.  Many more: verdict_cases/."""

import pytest

from filters.answers.quantity import read_quantity
from filters.candidates import lowered, sentence_end
from filters.commitment import hedged
from filters.extraction import extract_answer
from filters.readings import is_prose, values
from tests.filters.committed import committed
from tests.linear_time import assert_linear


def as_written(text: str) -> str | None:
    return text.strip(". ").casefold() or None


def number(response: str) -> int | None:
    found = committed(response)
    return None if found.value is None else int(found.value.value)


@pytest.mark.parametrize(
    "tail",
    [
        " Now add 1: 19",
        " Final value = 20",
        " After tax, 20.",
        " Then she pays 2 more: 20",
        " Then 18 + 2 = 20.",
        " Adding the tip gives 20.",
        " So both together have 20.",
        " 18 is wrong.",
        " Alternatively, 20.",
        " C is 20.",
        "\n\nExplanation: I was wrong.",
        "\n\nExplanation: 9 + 11. So x = 20.",
        " 等等，应该是20。",
    ],
)
def test_another_value_behind_the_answer_leaves_none(tail: str) -> None:
    for form in ("The answer is 18.", "Answer: 18.", r"\boxed{18}."):
        assert number(form + tail) is None


@pytest.mark.parametrize(
    "tail",
    [
        " Check: 18 / 2 = 9.",
        "\n\nVerification: 2(18) + 3 = 39, so both sides are 39.",
        "\n\nExplanation: 16 - 3 = 13, so 13 remain. So 9 are sold at $2 each.",
        "\n\nIn summary:\n- eggs: 16\n- sold: 9",
        " Alternatively, half of 36 is the same, 18.",
        " Actually, that makes 18 dollars.",
        " However, note that prices vary.",
        " The other ways are wrong.",
        "\n\nLet me know if you have questions!",
        "\n\nQ.E.D.",
    ],
)
def test_a_check_behind_the_answer_leaves_it(tail: str) -> None:
    for form in ("The answer is 18.", r"\boxed{18}."):
        assert number(form + tail) == 18


@pytest.mark.parametrize("tail", ["\nLondon", " So London.", " Actually London.", " London is the answer.", "\n\nAnswer: London"])
def test_another_word_behind_a_text_leaves_none(tail: str) -> None:
    assert extract_answer("The answer is Paris." + tail, as_written).reason == "uncommitted"


@pytest.mark.parametrize(
    "tail", ["\nDone", "\nHope this helps", " It is in France.", "\n\nParis.", " So Paris.", "\n\nExplanation: as is known."]
)
def test_courtesies_behind_a_text_leave_it(tail: str) -> None:
    assert extract_answer("The answer is Paris." + tail, as_written).value == "paris"


@pytest.mark.parametrize("text", ["5?", "maybe 5", "5 or perhaps 6", "either 5 or 6", "5!", "大概5", "5 ❌"])
def test_hedges(text: str) -> None:
    assert hedged(text)
    assert extract_answer(f"The answer is {text}", as_written).reason in ("answer_unreadable", "uncommitted")


@pytest.mark.parametrize("text", ["5", "maybe", "$5!$", "(5)", "eithers", "possible"])
def test_what_is_no_hedge(text: str) -> None:
    assert not hedged(text)


@pytest.mark.parametrize(
    ("before", "stands"),
    [
        ("Since 5 is wrong, ", True),
        ("It is not hard to see that ", True),
        ("Because she can't sell 3 of them, ", True),
        ("A, C and D are wrong and ", True),
        ("For this problem ", True),
        ("If x is 3, ", False),
        ("As Bob said, ", False),
        ("Bob thinks ", False),
        ("There is no way ", False),
        ("I hope ", False),
        ("According to Bob, ", False),
        ("According to the table, ", True),
        ("We cannot say that ", False),
    ],
)
def test_what_stands_before_an_anchor(before: str, stands: bool) -> None:
    assert (number(f"{before}the answer is 18.") == 18) is stands


@pytest.mark.parametrize(
    ("before", "stands"),
    [
        ("The number of boxes with neither is ", True),
        ("the integers that are not divisible by 3: there are ", True),
        ("The student with the most has ", True),
        ("The largest sum that she could get is ", True),
        ("divisible by 2 but not by 3 is ", True),
        ("x is not ", False),
        ("x cannot be ", False),
        ("maybe ", False),
        ("If x > 0, we get ", False),
        ("one might think it is ", False),
        ("for example ", False),
        ("your answer in the format ", False),
    ],
)
def test_what_stands_before_a_box(before: str, stands: bool) -> None:
    assert (number(rf"{before}\(\boxed{{18}}\).") == 18) is stands


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("the remainder of 2004 divided by 12 is 0", ["0"]),
        ("she has 18 eggs left", ["18 eggs"]),
        ("there are 5 apples and 3 pears", []),
        ("the probability is at most 5", []),
        ("she needs 33 bananas because there is 1 in each", ["33 bananas"]),
        ("x = 5 or x = 6", []),
        ("it is false that x is 5", []),
        ("一共有18个苹果", ["18个苹果"]),
    ],
)
def test_the_one_value_of_a_sentence(sentence: str, found: list[str]) -> None:
    numeric = [text for text in values(sentence) if read_quantity(text) is not None]
    assert numeric == found


def test_prose_and_sentences() -> None:
    assert is_prose("the answer can be found by adding them")
    assert not is_prose(r"\text{three of them}") and not is_prose("5 km per hour")
    low = "st. louis. b. library. 5! ways. done"
    assert low[: sentence_end(low, 0, len(low))] == "st. louis"
    assert low[11 : sentence_end(low, 11, len(low))] == "b. library"
    assert lowered("İA") == "İa"


UNITS = [
    "\\boxed{5}, ",
    "\\boxed{\\boxed{5}} ",
    "\\boxed 5 ",
    "the answer is 5. ",
    "answer to ",
    "<answer>5</answer>",
    "B is the answer ",
    "gives 5 as the answer ",
    "故选B",
    "选项B正确",
    "- 5\n",
    "```\n",
    "```python\n",
    "wait, 5 ",
    "so x = 5. ",
    "total: 5\n",
    "5 instead ",
    "5 is wrong ",
    "\\begin{a}",
    "！",
]


def _extracted(text: str) -> None:
    committed(text)
    extract_answer(text, as_written)


@pytest.mark.load
@pytest.mark.parametrize(("before", "after"), [("", ""), ("The answer is 5. ", ""), ("The answer is: ", " \\boxed{5}")])
@pytest.mark.parametrize("unit", UNITS)
def test_time_is_linear_in_the_response(unit: str, before: str, after: str) -> None:
    small, large = (before + unit * (length // len(unit)) + after for length in (1_000, 10_000))
    assert_linear(_extracted, small, large, times=40, least=0.005)
