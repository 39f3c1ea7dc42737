"""The committed answer: boxes, anchors, corrections, thoughts, and the normal form."""

import sys
import unicodedata

import pytest

from filters.extraction import Extraction, extract_answer, final_section
from filters.normalization import nfkc
from tests.filters.committed import committed


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
        ("<answer>18</answer>", "18"),
        ("<answer>so \\boxed{18}</answer>", "18"),
        (r"\boxed{\boxed{18}}", "18"),
        (r"$\boxed 18$", "18"),
        (r"\boxed{\text{Paris}}", "Paris"),
        (r"put it into \boxed{answer}: \boxed{18}", "18"),
        ("The answer is 18<|im_end|>", "18"),
        ("giving 18 as our final answer", "18"),
        ("so I'm confident that 18 is the correct answer.", "18"),
        ("The answer is not 5 but 18", "18"),
        ("The answer is 18, not 5.", "18"),
        ("Answer: 18 (dollars a day)", "18"),
        ("Answer: She makes $18 a day.", "$18"),
        ("Answer: 9 * 2 = 18", "18"),
        ("### Final Answer\n\nThe number of eggs is:\n\\[\n\\boxed{18}\n\\]", "18"),
        ("Answer:\n- 18\n- 19", "18, 19"),
        ("**Answer:**\n(a) 18\n(b) 19", "(a) 18, (b) 19"),
        ("The answer is\n\\[\n\\begin{pmatrix}\n1 \\\\\n2\n\\end{pmatrix}\n\\]", "\\begin{pmatrix}\n1 \\\\\n2\n\\end{pmatrix}"),
        ("```python\nprint('The answer is 19')\n```\nThe answer is 18.", "18"),
        ("故选：（B）。", "（B）"),
        ("【答案】18", "18"),
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
        assert committed(form + tail).reason == "uncommitted"


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
        found = committed(form + tail)
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
    assert committed(response).value is None


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
    found = committed(response)
    assert found.value is not None and found.value.value == 18


@pytest.mark.parametrize(
    "correction",
    [
        "Wait, I made a mistake.",
        "Wait, that's wrong.",
        "Hold on.",
        "Let me recalculate.",
        "No, that is not right.",
        "不对，算错了。",
    ],
)
def test_a_correction_takes_the_earlier_answer_back(correction: str) -> None:
    assert extract_answer(rf"\boxed{{5}}. {correction} \boxed{{6}}", as_written) == Extraction("6", "6", "box", "")
    assert extract_answer(f"The answer is 5. {correction} The answer is 6", as_written) == Extraction("6", "6", "anchor", "")


@pytest.mark.parametrize(
    ("response", "pair"),
    [
        (r"$x=\boxed{2}, y=\boxed{3}$", "2, 3"),
        (r"$x = \boxed{2}$ and $y = \boxed{3}$", "2, 3"),
        (r"\boxed{2},\ \boxed{3}, \boxed{4}", "2, 3, 4"),
        (r"$(x, y) = (\boxed{2}, \boxed{3})$", "(2, 3)"),
        (r"x为\boxed{2}和\boxed{3}", "2, 3"),
    ],
)
def test_boxes_that_one_sentence_joins_are_one_answer(response: str, pair: str) -> None:
    assert extract_answer(response, as_written).value == pair
    assert committed(response).reason == "uncommitted"  # no pair is one number


@pytest.mark.parametrize("between", [" or ", ". ", "\n", " ", r" \text{ or } ", " and then I think it is rather the case that "])
def test_other_boxes_are_several(between: str) -> None:
    assert extract_answer(rf"\boxed{{2}}{between}\boxed{{3}}", as_written).reason == "uncommitted"


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("We add.\nTherefore, $x = 5$.", "5"),
        ("So the measure of angle ABD is 30 degrees.", "30 degrees"),
        ("We add.\nThus, the remainder of 2004 divided by 12 is 0.\n\nI think that's it.", "0"),
        ("We add.\nSo Janet makes $18 every day at the market.", "$18"),
        ("We add.\nHence, the point is\n\\[(8, -2)\\]", "(8, -2)"),
        ("We add.\n\n**18**", "18"),
        ("We add.\n(B)", "(B)"),
        ("The midpoint of both is\n**m = 3**.\nIt is **(-1, 6)**.", "(-1, 6)"),
        ("先算。\n所以一共有18个。", "18个"),
        ("B\n\nExplanation: banks store money", "B"),
    ],
)
def test_a_conclusion_at_the_end_is_weaker_than_an_anchor(response: str, value: str) -> None:
    found = extract_answer(response, as_written)
    assert (found.value, found.source, found.reason) == (value, "conclusion", "")


@pytest.mark.parametrize(
    "response",
    [
        "So x = 5. Now we find y.",
        "So x is not 5.\nDone",
        "We add.\nSo there are at least 5.",
        "We add.\nSo x < 5.",
        "We add.\nSo x = 5 or x = 6.",
        "We add.\nSo, if x = 3, y = 5.",
        "We add.\nSo maybe 5.",
        "We add.\nSo 3 of the 5.",
        "We add.\nSo twice 5.",
        "We add.\nSo, \\( x = 8k + 5 \\) for some",
        "We add.\nShe has 5.",
        "Cases:\n1. x < 0\n2. x = 0\n3.",
        "3\n4\n5",
        "5\n\nExplanation: that is wrong.",
    ],
)
def test_what_is_no_conclusion(response: str) -> None:
    assert committed(response).value is None


@pytest.mark.parametrize(
    ("response", "source"),
    [
        (r"\boxed{5}", "box"),
        ("The answer is 5", "anchor"),
        ("5", "whole"),
        ("$$\n5\n$$", "whole"),
        (r"x^5 + 3x^4 - 2x^3 + 7x^2 - 11x + 13 - \frac{1}{2} + \frac{1}{3}y^2 + z", "whole"),
        ("\\begin{pmatrix}\n1 & 2 \\\\\n3 & 4\n\\end{pmatrix}", "whole"),
    ],
)
def test_the_source_says_how_an_answer_was_found(response: str, source: str) -> None:
    assert extract_answer(response, as_written).source == source


@pytest.mark.parametrize("unit", ["miles", "cm", "km/h", r"\text{ miles}", "cm^2"])
def test_a_unit_behind_a_box_belongs_to_it(unit: str) -> None:
    found = extract_answer(rf"It is \(\boxed{{5}}\) {unit}.", as_written)
    assert found.value is not None and found.value.startswith("5 ") and len(found.value) > 3
    assert extract_answer(r"It is \(\boxed{5}\) minutes past.", lambda text: text if text == "5" else None).value == "5"


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
