import pyarrow as pa

from filters.checkers import CHECKERS
from pipeline.annotate import annotate
from pipeline.vote_counts import VOTE_COUNTS, vote_counts
from schemas.sample import SAMPLE_SCHEMA
from schemas.tables import table_of
from tests.builders import a_problem, a_sample

# What each problem's samples answer, its gold, and what is counted of it.
CASES = (
    (("42", "42", "41"), "42", ("problems", "decided", "correct")),
    (("41", "41", "42"), "42", ("problems", "decided")),
    (("41", "42"), "42", ("problems",)),
    (("7", "$7"), None, ("problems", "decided", "pseudo_gold")),
    (("7", "8"), None, ("problems",)),
    (("42",), "42", ()),
)


def _annotated() -> pa.Table:
    problems = [a_problem(question=str(place), answer=gold) for place, (_, gold, _) in enumerate(CASES)]
    samples = [
        a_sample(problem_id=problem.problem_id, index=index, response=f"The answer is {answer}.")
        for problem, (answers, _, _) in zip(problems, CASES, strict=True)
        for index, answer in enumerate(answers)
    ]
    return annotate({problem.problem_id: problem for problem in problems}, table_of(samples, SAMPLE_SCHEMA), CHECKERS)


def test_problems_are_counted_by_how_their_vote_went() -> None:
    table = _annotated()
    assert vote_counts(table) == {("votes", name): sum(name in counted for _, _, counted in CASES) for name in VOTE_COUNTS}
    assert not any(vote_counts(table.slice(0, 0)).values())


def test_the_column_has_the_vote_of_each_row() -> None:
    assert _annotated()["vote"].to_pylist()[2] == {
        "answer": "42",
        "votes": 2,
        "voters": 3,
        "share": 2 / 3,
        "agrees": False,
        "pseudo_gold": None,
    }
