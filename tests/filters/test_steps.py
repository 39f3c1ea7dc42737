"""Step checks: what each kind of flag claims, the statuses, the solvers' own chains, real solutions."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.steps import NAME, check, steps
from generators.families import arithmetic, countdown
from generators.families.family import Slips
from schemas.annotation import StepFlag, Steps, Verdict
from schemas.problem import Problem
from schemas.sample import chain_text
from tests.builders import a_problem
from tests.linear_time import assert_linear

GSM8K = Path(__file__).parents[2].parent / "shared" / "data" / "gsm8k" / "test.jsonl"


def checked(chain: str, answer: str | None = None, status: str = "correct", question: str = "How many?") -> Steps:
    verdict = Verdict(status, answer, "numeric_v1", "equal")  # type: ignore[arg-type]  # a Literal by the callers' words
    return check(chain, a_problem(question=question), verdict)


def kinds(found: Steps) -> list[str]:
    return [flag.kind for flag in found.flags]


def test_the_statuses() -> None:
    right, wrong = "16 - 3 = 13 and 13 * 2 = 26. #### 26", "16 - 3 = 12 and 13 * 2 = 26. #### 26"
    assert checked(right, "26") == Steps("hold", 2, [])
    assert checked(wrong, "26").status == "right_answer_wrong_steps"
    assert checked(wrong, "26", "incorrect").status == "wrong"
    assert checked(wrong, "26", "unsure").status == "wrong"
    soft = "Birds have wings and most of them fly, but this one is too heavy and its wings are small. So no."
    assert checked(soft, "no") == Steps("unchecked", 0, [])


def test_a_wrong_equation_is_flagged_where_it_stands() -> None:
    chain = "😀 She sells 48/2 = 25 clips in May. That is 48+25 = 73."
    found = checked(chain, "73")
    assert found.flags == [StepFlag("wrong_equation", chain.index("48/2"), chain.index(" clips"), "48/2 = 25: it is 24")]
    assert found.checked == 2


def test_flags_come_in_the_order_of_the_text() -> None:
    found = checked("3 + 4 = 8. <<2*3=7>>7 and 5 + 5 = 11. So 90.", "90")
    assert [flag.start for flag in found.flags] == sorted(flag.start for flag in found.flags)
    assert len(found.flags) >= 3


@pytest.mark.parametrize(
    "chain",
    [
        "Solving gives x = 5. This leads to more. So x = 7.",
        "$x = 5$. Here $y = 2$. Thus $x = 7$.",
        "x_1 = 5\nx_1 = 10 - 3 = 7\n",
        "x = <<5=5>>5\nx = <<7=7>>7",
    ],
)
def test_two_values_of_one_letter_contradict(chain: str) -> None:
    assert kinds(checked(chain)) == ["contradiction"]


@pytest.mark.parametrize(
    "chain",
    [
        "x = 5. So x = 5.",
        "x = 2 or x = 3.",
        "If x = 2, it is 4. If x = 3, it is 9.",
        "Let x = 2. Let x = 3.",
        "Try x = 2. No. x = 3.",
        "x_1 = 2. x_2 = 3.",
        "The roots are x = 2 and x = 3.",
        "x = 5. Wait, that is wrong. x = 7.",
        "For k = 0: 1. For k = 1: 2.",
        "g = 17, h = 4, f = 20. g = 18, h = 1, f = 18.",
        "x = 5. Now x = x + 2 = 7.",
        "x ≈ 3.3. x = 10/3.",
        "Cost = 5. Cost = 7.",
        "Case 1: x = 2. Case 2: x = 3.",
    ],
)
def test_values_tried_listed_or_changed_do_not(chain: str) -> None:
    assert kinds(checked(chain)) == []


def test_an_answer_that_no_step_yields_is_not_derived() -> None:
    chain = "There are 5*20 = 100 tanks. Altogether, there are 100+20 = 120 trucks.\n#### 140"
    found = checked(chain, "140")
    assert found.flags == [StepFlag("not_derived", len(chain) - 3, len(chain), "140 comes out of no step")]


@pytest.mark.parametrize(
    ("chain", "answer", "question"),
    [
        ("5*20 = 100 tanks. 100+20 = 120 in all.\n#### 120", "120", ""),
        ("5*20 = 100 tanks. 100+20 = 120 in all.\n#### 140", "140", "Why 140?"),
        ("5*20 = 100. 100+20 = 120. With the 20 of before that is 140.", "140", ""),
        ("5*20 = 100. 100+20 = 120. Reading it off gives 140.\n#### 140", "140", ""),
        ("5*20 = 100. 100+20 = 120. These are five.\n#### 5", "5", ""),
        ("120/16 = 7.5 and 7.5*30 = 225.5. He buys 226 cans.", "226", ""),
        ("90 / 300 = .3 and 0.3 * 100 = 30.\n#### 3000", "3000", ""),
        ("5*x = 100. 100+20 = 120.\n#### 140", "140", ""),
        ("5*20 = 100. 3 + 4 = 7.\n#### \\sqrt{2}", "\\sqrt{2}", ""),
        ("There are many ways to see that this has to be a large number indeed, so it is large.\n#### 140", "140", ""),
    ],
)
def test_an_answer_that_may_come_from_somewhere_is_left_alone(chain: str, answer: str, question: str) -> None:
    assert "not_derived" not in kinds(checked(chain, answer, question=question))


@pytest.mark.parametrize(
    ("chain", "answer"), [("B", "B"), ("The answer is B.", "B"), ("42", "42"), ("答案是42。", "42"), ("x", "y")]
)
def test_a_bare_answer_is_no_reasoning(chain: str, answer: str) -> None:
    found = checked(chain, answer)
    assert kinds(found) == ["no_reasoning"]
    assert found.status == "right_answer_wrong_steps"
    assert answer not in chain or chain[found.flags[0].start : found.flags[0].end] == answer


@pytest.mark.parametrize(
    "chain",
    [
        "6 * 7 = 42",
        "x = 42",
        "Six rows hold seven seats each, and all the rows are full, so that counting them makes forty-two: 42",
        "六排座位每排有七个人，而且每一排都坐满了人，没有一个空位，所以一共就是这么多人：42",
    ],
)
def test_an_equation_or_fifteen_words_are_reasoning(chain: str) -> None:
    assert kinds(checked(chain, "42")) == []


def test_without_an_answer_only_the_equations_count() -> None:
    assert checked("ok", None, "incorrect") == Steps("unchecked", 0, [])
    assert kinds(checked("3 + 4 = 8", None, "incorrect")) == ["wrong_equation"]


def test_the_column_is_the_check_of_each_chain() -> None:
    verdict = Verdict("correct", "42", "numeric_v1", "equal")
    rows = ["6 * 7 = 42", "6 * 7 = 41, so 42", ""]
    problem = a_problem()
    assert steps(rows, [problem] * 3, [verdict] * 3) == [check(row, problem, verdict) for row in rows]
    assert re.fullmatch(r"steps_v\d+", NAME)
    with pytest.raises(ValueError, match="zip"):
        steps(rows, [problem], [verdict])


@pytest.mark.parametrize("family", [arithmetic.FAMILY, countdown.FAMILY], ids=lambda family: str(family.source.name))
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_solvers_that_mend_every_slip_hold(family: object, rate: float) -> None:
    """Digit by digit, carries and borrows, and slips that the chain takes back in each of its wordings."""
    source = family.source()  # type: ignore[attr-defined]  # a family of generators, in two kinds
    for index in range(40):
        rng = random.Random(index)
        problem = source.draw(rng)
        trace = family.solve(problem, rng, Slips(rate=rate, notice=1.0))  # type: ignore[attr-defined]
        answer = trace.response.removeprefix("The answer is ").removesuffix(".")
        found = check(chain_text(trace.reasoning, trace.response), problem, Verdict("correct", answer, "numeric_v1", "equal"))
        assert found.flags == []


def test_solvers_that_mend_no_slip_are_caught() -> None:
    caught = 0
    for index in range(40):
        rng = random.Random(index)
        problem = arithmetic.Arithmetic(operations=("multiply",)).draw(rng)
        trace = arithmetic.solve(problem, rng, Slips(rate=0.3, notice=0.0))
        caught += "wrong_equation" in kinds(check(trace.reasoning, problem, Verdict("incorrect", None, "numeric_v1", "different")))
    assert caught >= 36


pieces = st.sampled_from(
    [
        "x = 5",
        " x = 7",
        "42",
        ". ",
        "\n",
        "#### ",
        "the answer is ",
        "3 + 4 = 8",
        "<<3+4=8>>8",
        "Wait, ",
        " or ",
        "y_1=",
        "B",
        "答案",
    ]
)
texts = st.one_of(st.text(), st.lists(pieces, max_size=20).map("".join))


@settings(deadline=None)
@given(texts, st.one_of(st.none(), texts, st.just("42"), st.just("B")), texts)
def test_any_text_gets_well_formed_steps(chain: str, answer: str | None, question: str) -> None:
    found = checked(chain, answer, question=question)
    assert found == checked(chain, answer, question=question)
    assert (found.status == "right_answer_wrong_steps") == bool(found.flags)
    assert (found.status == "hold") == (not found.flags and found.checked > 0)
    for flag in found.flags:
        assert 0 <= flag.start <= flag.end <= len(chain)
        assert flag.detail


@pytest.mark.load
@pytest.mark.parametrize("unit", ["x = 5\n", "x = 5. x = 7. ", "140 ", "B ", "140. ", "5*20 = 100. ", "1 140 000 "])
def test_time_is_linear(unit: str) -> None:
    def run(text: str) -> None:
        for answer in ("140", "B"):
            checked(text, answer)

    assert_linear(run, unit * (2_000 // len(unit)) + "\n140", unit * (20_000 // len(unit)) + "\n140")


@pytest.mark.skipif(not GSM8K.exists(), reason=f"the real GSM8K solutions are not at {GSM8K}")
def test_human_solutions_hold_and_a_changed_digit_does_not() -> None:
    """The bars: at most 1 % of human solutions flagged, at least 85 % of changed results caught, without any calculator mark."""
    rows = [json.loads(line) for line in GSM8K.read_text("utf-8").split("\n")[:400] if line]
    rng, flagged, changed, caught = random.Random(17), 0, 0, 0
    for row in rows:
        chain = re.sub(r"<<[^<>]*>>", "", row["answer"])
        problem = Problem.of(
            question=row["question"], answer=row["answer"].rpartition("#### ")[2], checker="numeric", source="test"
        )
        verdict = Verdict("correct", problem.answer, "numeric_v1", "equal")
        before = check(chain, problem, verdict)
        flagged += bool(before.flags)
        results = [match.span(1) for match in re.finditer(r"\d[^=\n]*=[ $]*(\d[\d,.]*\d|\d)", chain)]
        if results:
            start, end = rng.choice(results)
            place = rng.choice([index for index in range(start, end) if chain[index].isdigit()])
            digit = rng.choice([digit for digit in "0123456789" if digit != chain[place]])
            after = check(chain[:place] + digit + chain[place + 1 :], problem, verdict)
            changed += 1
            caught += len(after.flags) > len(before.flags)
    assert flagged <= 0.01 * len(rows)
    assert caught >= 0.85 * changed
