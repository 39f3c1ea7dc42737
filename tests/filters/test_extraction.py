"""The committed answer: boxes, anchors, corrections, thoughts, and the normal form."""

import sys
import unicodedata

import pytest

from filters.answers.quantity import read_quantity, same_quantity
from filters.extraction import Extraction, extract_answer, final_section
from filters.normalization import nfkc


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


@pytest.mark.parametrize(
    "tail",
    [
        " Actually, it is 19.",
        "\nActually, it is 19.",
        " Sorry, 19.",
        " Wait, that should be 19.",
        " No, 19.",
        " I mean 19.",
        " Hmm, I think it should be 19 instead.",
        " This answer is incorrect.",
        " But that can't be right.",
        " I'm not sure.",
        " Therefore the total is 36. So 36.",
        " However, it must be 19.",
        " Otherwise, 20.",
        " It's 20.",
        " But 20 is better.",
        "\n19",
        "\nor\n19",
        "\n x 2 = 36",
        "\n\\times 2 = 36",
        "\nTotal: 20",
        " 其实是19",
        " 不对，应该是19",
    ],
)
def test_a_later_correction_or_another_value_leaves_no_answer(tail: str) -> None:
    for form in ("The answer is 18.", "Answer: 18.", "Answer:\n18.", r"\boxed{18}."):
        assert extract_answer(form + tail, read_quantity, same_quantity).reason == "uncommitted"


@pytest.mark.parametrize(
    "tail",
    [
        "",
        " I hope this helps!",
        " So she makes 18 dollars.",
        " That is 9 * 2 = 18.",
        " It is correct.",
        "\n\nLet's verify with code.",
        "\n\nExplanation:\n1. She has 16 eggs.\n2. She sells 9.",
        " Therefore, she is rich.",
    ],
)
def test_what_follows_may_explain(tail: str) -> None:
    for form in ("The answer is 18.", "Answer: 18.", r"\boxed{18}."):
        found = extract_answer(form + tail, read_quantity, same_quantity)
        assert found.value is not None and found.value.value == 18


@pytest.mark.parametrize(
    "response",
    [
        "Wrong answer: 18",
        "Incorrect answer: 18. Real total is 20",
        "Previous answer: 18. New total: 20",
        "Example answer: 18",
        "Student's answer: 18.",
        "I doubt the answer is 18.",
        "It is false that the answer is 18.",
        "Nobody thinks the answer is 18.",
        "One might think the answer is 18. But it's 20.",
        "If x>0 then the answer is 18. Otherwise, 20.",
        "My friend says the answer is 18",
        "错误答案：18",
        "我怀疑答案是18",
        "学生的答案是18",
        "So it is 19.\n\nQ: Next?\nA: 18",
        r"-\boxed{18}",
        r"$-\boxed{18}$",
        r"2\boxed{18}",
        r"2 * \boxed{18}",
        r"x \boxed{18}",
        r"\boxed{18}/2",
        r"\boxed{18}^2",
        r"\boxed{18}000",
        r"\boxed{18} thousand",
        r"\boxed{18}{19}",
        r"\boxed{18}!",
        r"\frac{\boxed{18}}{2}",
        r"minus \boxed{18}",
        r"\boxed{18} is not right",
        r"not \boxed{18}",
        r"The answer cannot be \boxed{18}",
        r"$x \ne \boxed{18}$",
        r"x < \boxed{18}",
        r"\boxed{18}. Oh, \boxed{18} is wrong.",
        r"\boxed{18}. The answer is not 18.",
        r"3\cdot\boxed{18}",
        r"more than \boxed{18}",
    ],
)
def test_a_denied_or_foreign_answer_is_none(response: str) -> None:
    assert extract_answer(response, read_quantity, same_quantity).value is None


@pytest.mark.parametrize(
    "response",
    [
        r"x = \boxed{18}",
        r"$x \approx \boxed{18}$",
        r"- \boxed{18}",
        r"1. \boxed{18}",
        r"$\boxed{18}$.",
        r"\boxed{18} dollars",
        r"**\boxed{18}**",
        "The answer is:\n\\[\n\\boxed{18}\n\\]",
        r"So she has \(\boxed{18}\) eggs left.",
        r"#### \boxed{18}",
        r"\boxed{18}\text{ dollars}",
        r"\[x=\boxed{18}.\]",
        r"\$\boxed{18}",
        r"Answer: \boxed{18}",
        r"\boxed{18} is the answer.",
        "Since 9*2=18, the answer is 18.",
        "I think the answer is 18.",
        "### Final answer: 18",
        "1. Answer: 18",
        "> Answer: 18",
        "It can't be 19, so the answer is 18.",
        "We conclude that the answer is 18.",
        "这道题的答案是18",
        "因此，正确答案是18。",
    ],
)
def test_the_neighbours_stay_answers(response: str) -> None:
    found = extract_answer(response, read_quantity, same_quantity)
    assert found.value is not None and found.value.value == 18


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
