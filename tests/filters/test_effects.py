"""What reflections did to the answer: chains whose every change is known, and what the effect is of."""

import pytest

from filters.checkers import CHECKERS
from filters.effects import effects
from filters.reflections import tag
from filters.verify import verify
from schemas.annotation import Course, Effect, Label, Reflection, Verdict
from schemas.problem import Problem
from tests.builders import a_problem
from tests.filters.known_flips import known_chains
from tests.linear_time import assert_linear

KNOWN = list(known_chains())


def ran(chain: str, *found: tuple[Label, str], problem: Problem | None = None) -> tuple[list[Effect | None], Course]:
    """Return the effects of the reflections, each given by its label and its words, and the course."""
    problem = problem or a_problem(answer="17")
    reflections = [
        Reflection(label, chain.index(words), chain.index(words) + len(words), words, None, None) for label, words in found
    ]
    tagged, courses = effects([chain], [reflections], [problem], verify([problem], [chain], CHECKERS))
    return [one.effect for one in tagged[0]], courses[0]


def test_every_known_change_is_found() -> None:
    assert len(KNOWN) >= 300
    columns = [list(column) for column in zip(*((one.chain, one.reflections, one.problem) for one in KNOWN), strict=True)]
    chains, reflections, problems = columns
    tagged, _ = effects(chains, reflections, problems, verify(problems, chains, CHECKERS))
    wrong = [(one.chain, [r.effect for r in found], one.effects) for one, found in zip(KNOWN, tagged, strict=True)
             if [r.effect for r in found] != one.effects]  # fmt: skip
    assert wrong == []


def test_rows_do_not_depend_on_each_other() -> None:
    rows = [KNOWN[place] for place in range(0, len(KNOWN), 7)]
    columns = [one.chain for one in rows], [one.reflections for one in rows], [one.problem for one in rows]
    verdicts = verify(columns[2], columns[0], CHECKERS)
    together = effects(*columns, verdicts)
    reverse = effects(*(column[::-1] for column in (*columns, verdicts)))  # type: ignore[arg-type]
    alone = [effects([one.chain], [one.reflections], [one.problem], [verdict]) for one, verdict in zip(rows, verdicts, strict=True)]
    assert (reverse[0][::-1], reverse[1][::-1]) == together
    assert ([tagged for (tagged,), _ in alone], [course for _, (course,) in alone]) == together


def test_space_around_a_chain_changes_no_effect() -> None:
    for one in KNOWN[::11]:
        moved = [reflection._replace(start=reflection.start + 3, end=reflection.end + 3) for reflection in one.reflections]
        verdicts = verify([one.problem], [one.chain], CHECKERS)
        (tagged,), _ = effects([f" \n {one.chain}\n\n "], [moved], [one.problem], verdicts)
        assert [reflection.effect for reflection in tagged] == one.effects


def test_what_a_change_is_credited_to() -> None:
    chain = "So the answer is 12. To sum up, 2 boxes. Wait, one is missing. Let me check. So the answer is 17. Hmm. Done."
    found, _ = ran(chain, ("summary", "To sum up"), ("hesitation", "Wait"), ("verification", "Let me check"), ("hesitation", "Hmm"))
    assert found == [None, "effective", "effective", None]
    assert ran(chain, ("subgoal", "To sum up"))[0] == [None]
    same = chain.replace("12", "17")
    assert ran(same, ("summary", "To sum up"), ("hesitation", "Wait"))[0] == ["idle", "idle"]


def test_what_stands_before_the_words_of_a_reflection_is_before_it() -> None:
    chain = "So the answer is 12, but wait, one is missing. So the answer is 17."
    marked = Reflection("hesitation", 0, chain.index(".") + 1, "wait", None, None)
    problem = a_problem(answer="17")
    tagged, _ = effects([chain], [[marked]], [problem], verify([problem], [chain], CHECKERS))
    assert tagged == [[marked._replace(effect="effective")]]


@pytest.mark.parametrize(
    ("chain", "effect"),
    [
        ("3*4 = 13. Wait, that's wrong: 3*4 = 12, and 12 + 5 = 17. So the answer is 17.", None),  # a result on the way
        ("3*6 = 17. Wait, that's wrong: 3*6 = 18. So the answer is 18.", "harmful"),
        ("12 + 4 = 16. Wait, no. 12 + 5 = 17. So the answer is 17.", "effective"),
        ("10^2 - 5^2 = 75. Wait, is it? 7^2 - 4^2 = 17. So the answer is 17.", None),
        ("2 * 6 = 12. Wait, there are 5 more. 12 + 5 = 17. So the answer is 17.", None),
        ("The total is 42. Wait, one is missing. The total is 17. So the answer is 17.", "effective"),
        ("If the total is 42, it is odd. Wait, one is missing. The total is 17. So the answer is 17.", None),
        ("The answer is not 42. Wait, one is missing. So the answer is 17.", None),
        ("Would the answer be 42? Wait, one is missing. So the answer is 17.", None),
        ("So x = 5. Wait, y = 8. So the answer is 17.", None),
        ("3*6=16。等等，算错了，3*6=17。所以答案是17。", "effective"),
    ],
)
def test_what_is_an_answer(chain: str, effect: Effect | None) -> None:
    words = "等等" if "等等" in chain else "Wait"
    assert ran(chain, ("hesitation", words))[0] == [effect]


def test_several_values_of_one_quantity_are_cases() -> None:
    chain = "So x = 5. So x = 17. Wait, is that all? So x = 17. So the answer is 17."
    assert ran(chain, ("hesitation", "Wait"), problem=a_problem(question="Find x.", answer="17"))[0] == [None]


def test_without_a_gold_only_the_same_answer_is_known() -> None:
    chain = "So the answer is 17. Let me check. So the answer is 17. Wait. So the answer is 18."
    problem = a_problem(answer=None)
    assert ran(chain, ("verification", "Let me check"), ("hesitation", "Wait"), problem=problem)[0] == ["idle", None]


def test_an_answer_that_a_judge_found_right_is_right() -> None:
    chain, problem = "So the answer is 12. Wait. So the answer is 17.", a_problem(answer=None)
    wait = Reflection("hesitation", chain.index("Wait"), chain.index("Wait") + 5, "Wait", None, None)
    tagged, courses = effects([chain], [[wait]], [problem], [Verdict("correct", "17", "judge_v1:big", "judge_equivalent")])
    assert tagged[0][0].effect == "effective"
    assert courses[0].first_right == courses[0].settled == (len(chain) - 1) / len(chain)


def test_a_program_states_no_answer() -> None:
    problem = a_problem(answer=None, checker="code", tests="assert f(1) == 2")
    found, course = ran("So the answer is 1. Wait. So the answer is 2.", ("hesitation", "Wait"), problem=problem)
    assert (found, course.answers, course.underthinking) == ([None], 0, None)


@pytest.mark.load
@pytest.mark.parametrize(
    "small",
    [
        "So the answer is 12. Wait, 3*4 = 13. So x = 5, x = 6. \\boxed{7} 所以答案是12。等等，",
        "\\boxed{",
        "answer ",
        "so x = ",
        "= 12 and 13 = ",
        "the answer is\n\n",
        "So a b c d e f g h ",
        "So 1,1,1,1,",
        "所以是",
        "correct option A: ",
        "Wait, ",
    ],
)
def test_time_is_linear(small: str) -> None:
    problem = a_problem(question="So, what is x? How many a b c?", answer="17")

    def run(text: str) -> object:
        reflections = [Reflection("hesitation", place, place + 4, None, "x", None) for place in range(0, len(text), 60)]
        return effects([text], [reflections], [problem], [Verdict("incorrect", "12", "numeric_v2", "different")])

    assert_linear(run, small * (10_000 // len(small)), small * (100_000 // len(small)))


def test_effects_go_by_each_rows_own_gold_though_the_problem_is_the_same() -> None:
    chain = "The answer is 12. Wait, that's wrong. The answer is 13."
    problems = [Problem.of(question="What is it?", answer=gold, checker="numeric", source="t") for gold in ("22", "12", "13", None)]
    assert len({problem.problem_id for problem in problems}) == 1
    column = [chain] * len(problems)
    unknown = [Verdict("unsure", None, "", "")] * len(problems)
    tagged, _ = effects(column, [tag(chain) for _ in column], problems, unknown)
    assert [{one.effect for one in of_row} for of_row in tagged] == [{"changing"}, {"harmful"}, {"effective"}, {None}]


def test_a_correction_that_opens_with_the_answer_is_what_turned_to_it() -> None:
    chain = "The answer is 12. Hmm, no. The answer is 14. Hmm, wait. The answer is 12."
    problem = Problem.of(question="What is it?", answer="12", checker="numeric", source="t")
    (found,), _ = effects([chain], [tag(chain)], [problem], [Verdict("unsure", None, "", "")])
    by_place = {one.start: one.effect for one in found}
    assert by_place[chain.index("Hmm, no")] == "harmful" and by_place[chain.index("Hmm, wait")] == "effective"
    assert by_place.get(chain.index("The answer is 14"), "harmful") == "harmful"
