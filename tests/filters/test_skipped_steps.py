"""Which results have no way to them: cases in English and Chinese, a step taken out, any text, linear time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.skipped_steps import auc, pairs_of, scores, without_marks
from filters.skipped_steps import Skips, skipped_steps
from tests.linear_time import assert_linear

SOLUTIONS = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "test.jsonl"
CLIPS = "Natalia sold 48 clips in April and half as many in May. How many in all?"
APPLES = "小明有48个苹果，给了小红三分之一，又买了5个。还有多少？"


@pytest.mark.parametrize(
    ("question", "chain", "computed", "skipped"),
    [
        (CLIPS, "48/2 = 24. 48+24 = 72. The answer is 72.", 2, 0),
        (CLIPS, "She sold 48/2 = <<48/2=24>>24 clips.\nIn all 48+24 = <<48+24=72>>72.", 2, 0),
        (CLIPS, "She sold 24 clips because 48 / 2 = 24, so 48 + 24 = 72 in all.", 2, 0),
        (CLIPS, "48+24 = 72. The answer is 72.", 1, 1),  # 24 was never seen
        (CLIPS, "She sold 24 in May. In all, 72.", 2, 0.6),  # one operation away each; and 48 is never taken up
        (CLIPS, "The answer is 72.", 1, 1),
        (CLIPS, "Clearly she sold many.", 0, None),
        (CLIPS, "", 0, None),
        ("A shirt of $80 is 20% off.", "80 * 0.8 = 64", 1, 0),
        ("A shirt of $80 is 20% off.", "$20/100 * 80 = 16, and 80 - 16 = 64", 2, 0),
        ("A shirt of $80 is 20% off.", "80 - 16 = 64, which is 20% off.", 1, 1),
        ("He works 8 hours a day.", "In a week he works 8 * 7 = 56 hours.", 1, 0),
        ("He ate 3/4 of 24 pies.", "1/4 * 24 = 6 are left.", 1, 0),
        ("He ate 1 1/2 of 24 pies.", "1 1/2 * 24 = 36.", 1, 0),
        ("There are 10 cars.", "They have 4 * 10 = 40 wheels.", 1, 0.5),  # four may have been counted
        ("There are 10 cars.", "They have 24 * 10 = 240 wheels.", 1, 1),
        ("Ann, Bob and Eve have 17, 19 and 23.", "1. 17 + 19 = 36\n2. 36 + 23 = 59\nStep 3: it is 59.", 2, 0),
        ("They have 17 and 19.", "17 + 19 = 36", 1, 0),
        ("They have 17 and 19.", "17 + 1 = 18", 1, 1 / 3),  # 19 is never taken up
        ("Add 20 and 30, then times 4.", "(20 + 30) * 4 = 50 * 4 = 200", 1, 0),
        ("Solve 3x + 5 = 20.", r"\[3x + 5 = 20\] \[3x = 20 - 5 = 15\] \[x = \frac{15}{3} = 5\]", 3, 0),
        ("Solve x + 49 = 20 + 7.", "x = -49 + 20 + 7 = -22", 1, 0),
        ("There were 20 of 49.", "As 4*a* + 9x^5 shows, 49 - 20 = 29.", 1, 0),
        (APPLES, "48×1/3=16，48-16=32，32+5=37。答案是37。", 3, 0),
        (APPLES, "48-16=32，32+5=37。答案是37。", 2, 0.5),
        ("每天15个，4天，又加20。", "15×4=60。60+20=80。答案是80。", 2, 0),
        (APPLES, "４８÷３＝１６，所以４８－１６＝３２，３２＋５＝３７。", 3, 0),
    ],
)
def test_a_result_has_a_way_or_none(question: str, chain: str, computed: int, skipped: float | None) -> None:
    assert skipped_steps(chain, question) == (computed, pytest.approx(skipped))
    assert skipped_steps(f"\n  {chain} \n", question) == skipped_steps(chain, question)


steps = st.lists(st.integers(211, 9_999), min_size=3, max_size=6, unique=True)


@given(steps, st.data())
def test_a_sum_with_a_step_taken_out_is_seen(terms: list[int], data: st.DataObject) -> None:
    """Each sum goes on from the one before; without a line its sum comes from nowhere."""
    question = f"Add {', then '.join(map(str, terms))}."
    sums = [sum(terms[:count]) for count in range(1, len(terms) + 1)]
    lines = [f"{sums[place]} + {terms[place + 1]} = {sums[place + 1]}." for place in range(len(terms) - 1)]
    whole = skipped_steps("\n".join(lines), question)
    assert whole == (len({*sums[1:]}), 0)
    gone = data.draw(st.integers(0, len(lines) - 2))
    skipped = skipped_steps("\n".join(lines[:gone] + lines[gone + 1 :]), question).skipped
    if sums[gone + 1] not in {*terms}:
        assert skipped is not None and skipped >= 1 / len(lines)


@given(st.text(alphabet="0123456789+-*/=.,%$<>() \n\\xab半三一二个twice half", max_size=80), st.text(max_size=40))
def test_any_text_has_a_share(chain: str, question: str) -> None:
    computed, skipped = skipped_steps(chain, question)
    assert (skipped is None) == (computed == 0)
    assert skipped is None or 0 <= skipped <= 1
    assert isinstance(skipped_steps(question, chain), Skips)


@pytest.mark.load
@pytest.mark.parametrize("unit", ["1+1=2 ", "7 ", "three ", "12 + 13 = 25.\n", "1/3 ", "<<1+2=3>>3 ", "三分之一", "5x = 3, ", "9"])
def test_time_is_linear(unit: str) -> None:
    assert_linear(skipped_steps, unit * 400, unit * 4_000)
    assert_linear(lambda question: skipped_steps("3 + 4 = 7", question), unit * 400, unit * 4_000)


@pytest.mark.load
def test_time_is_linear_where_no_number_repeats() -> None:
    small, large = (" ".join(f"{number * number + 7}" for number in range(count)) for count in (400, 4_000))
    assert_linear(skipped_steps, small, large)


@pytest.mark.load
@pytest.mark.skipif(not SOLUTIONS.exists(), reason=f"the real GSM8K solutions are not at {SOLUTIONS}")
def test_real_solutions_are_told_from_those_with_a_step_taken_out() -> None:
    """Measured .943; .910 without the quantities that are never taken up."""
    pairs = pairs_of(SOLUTIONS)
    questions = [pair.question for pair in pairs]
    whole = scores((without_marks(pair.whole) for pair in pairs), questions)
    assert auc(whole, scores((without_marks(pair.shorter) for pair in pairs), questions)) >= 0.93
