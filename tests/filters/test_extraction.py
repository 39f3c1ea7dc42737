"""The committed answer: boxes, anchors, corrections, thoughts, and the normal form."""

import sys
import unicodedata

import pytest

from filters.extraction import Extraction, extract_answer, final_section, nfkc


def as_written(text: str) -> str | None:
    return text or None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (r"so \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\fbox{7}", "7"),
        (r"\boxed{\text{a \} b}}", r"\text{a \} b}"),
        (r"\boxed{} then \boxed{5}", "5"),
        ("She is left with 3.\nA: 18", "18"),
        ("9*2=18\n#### 18", "18"),
        ("The answer is 3.5 dollars. It was easy.", "3.5 dollars"),
        ("the answer is St. Louis. Yes.", "St. Louis"),
        ("**Answer:** 18", "18"),
        ("**The answer is 18.**", "18"),
        ("## Final Answer\n\n18\n", "18"),
        ("Final Answer: The final answer is $18$. I hope it is correct.", "$18$"),
        ("The answer is 3, because 1 + 2 = 3", "3"),
        ("所以答案是18。谢谢", "18"),
        ("最终答案：甲", "甲"),
        ("18 dollars", "18 dollars"),
    ],
)
def test_the_committed_answer(response: str, answer: str) -> None:
    assert extract_answer(response, as_written).value == answer


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("", "no_answer"),
        ("one line\nand another", "no_answer"),
        ("a" * 54, "no_answer"),
        (r"\boxed{5", "no_answer"),
        (r"\boxed{}", "no_answer"),
        ("<think>the answer is 5", "no_answer"),
        ("If the answer is 5\nthen what", "no_answer"),
        ("A: bank\nB: library", "no_answer"),
        ("#### Step 1\nWe add.", "no_answer"),
        (r"\boxed{5} or \boxed{6}", "uncommitted"),
        ("The answer is 5.\nThe answer is 6.", "uncommitted"),
        (r"The answer is 5. \boxed{6}", "uncommitted"),
        (r"\boxed{5}. Oops, that is wrong.", "uncommitted"),
        ("The answer is 5. No wait, 6.", "uncommitted"),
        (r"\boxed{" + "5" + " " * 5000 + "}" + r" \boxed{x" + "y" * 5000 + "}", "answer_unreadable"),
    ],
)
def test_no_answer(response: str, reason: str) -> None:
    found = extract_answer(response, as_written)
    assert (found.value, found.reason) == (None, reason)


def test_a_correction_takes_the_earlier_answer_back() -> None:
    assert extract_answer(r"\boxed{5}. Wait, I made a mistake. \boxed{6}", as_written) == Extraction("6", "6", "box", "")


def test_a_long_answer_is_not_cut_to_a_short_one() -> None:
    assert extract_answer(r"\boxed{5" + " " * 5000 + "or 6}", as_written).reason == "answer_unreadable"


def test_thoughts_are_passed_over() -> None:
    assert final_section("<think>4</think> 5") == " 5"
    assert final_section("4</think>5") == "5"
    assert final_section("<think>4</think> 5 <think> 6") is None
    assert final_section("<|begin_of_thought|>4<|end_of_thought|>5") == "5"


def test_nfkc_never_makes_a_digit_out_of_a_mark() -> None:
    """Of all of Unicode only full-width and styled digits may become digits: 4² is not 42, ① is not 1."""
    wrong = [
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if (decomposition := unicodedata.decomposition(character))
        and not decomposition.startswith(("<wide>", "<font>"))
        and any(digit in nfkc(character) for digit in "0123456789")
    ]
    assert wrong == []
    assert nfkc("４２\u200b％") == "42%"
