"""The problems and chains on which a loop learns addition: right, checked by the project's own filters, and never shared."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.addition import DIGITS, EXAMPLES, HELD_OUT, TRAINING, Sum, draw, example_rows, worked
from filters.checkers import CHECKERS
from filters.steps import check
from schemas.problem import Problem

PAIRS = st.sampled_from(DIGITS).flatmap(
    lambda digits: st.tuples(*[st.integers(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1)] * 2)
)


@given(PAIRS)
def test_a_chain_is_right_and_its_steps_hold(pair: tuple[int, int]) -> None:
    one = Sum(*pair)
    problem = Problem.of(question=one.question, answer=str(one.a + one.b), checker="numeric", source="addition")
    chain = worked(*one)
    verdict = CHECKERS["numeric"].check(problem, chain)
    assert (verdict.status, verdict.extracted) == ("correct", problem.answer)
    steps = check(chain, problem, verdict)
    # The last line puts the digits together, which the step checks may call not derived; the equations all hold.
    assert {flag.kind for flag in steps.flags} <= {"not_derived"}
    assert steps.checked == one.digits
    assert chain.count("\n") == one.digits


def test_a_chain_reads_as_the_docstring_shows() -> None:
    assert worked(47, 85) == "7+5=12;4+8,2c\n4+8+1=13;+,32c\nThe answer is 132."
    assert worked(1, 9) == "1+9=10;+,0c\nThe answer is 10."


def test_the_sets_share_no_problem_and_depend_on_the_seed_alone() -> None:
    sets = draw(3)
    assert sets == draw(3) != draw(4)
    assert len({one for chosen in sets for one in chosen}) == sum(map(len, sets))
    for counts, chosen in zip((EXAMPLES, TRAINING, HELD_OUT), sets, strict=True):
        assert {digits: sum(one.digits == digits for one in chosen) for digits in DIGITS} == counts


def test_an_example_is_there_plain_and_hinted() -> None:
    assert example_rows([Sum(4, 5)]) == [
        ("4+5", "4+5=9;+,9\nThe answer is 9."),
        ("4+5\n\n(The answer is 9.)", "4+5=9;+,9\nThe answer is 9."),
    ]
