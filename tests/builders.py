"""Records for tests: every field has a value, tests name those that matter."""

from typing import Any

from filters.checkers import CHECKERS
from generators.strategies.strategy import Context
from generators.teachers.teacher import Teacher
from pipeline.verifier import ProblemVerifier
from schemas.problem import Problem
from schemas.sample import Message, Sample


def a_problem(**changes: Any) -> Problem:
    """Return a small numeric problem."""
    fields: dict[str, Any] = {"question": "What is 6 × 7?", "answer": "42", "checker": "numeric", "source": "test"}
    return Problem.of(**{**fields, **changes})


def a_sample(**changes: Any) -> Sample:
    """Return a right sample of `a_problem`."""
    problem = a_problem()
    fields: dict[str, Any] = {
        "problem_id": problem.problem_id,
        "index": 0,
        "teacher": "main",
        "origin": "sampled",
        "prompt": (Message("user", problem.question),),
        "reasoning": "Six sevens are forty-two.",
        "response": "The answer is 42.",
    }
    return Sample.of(**{**fields, **changes})


def a_context(*teachers: Teacher, problem: Problem | None = None, **changes: Any) -> Context:
    """Return what a strategy works with on `a_problem`, or on another one."""
    verifier = ProblemVerifier(problem or a_problem(), CHECKERS, None, False)
    return Context(teachers=teachers, verifier=verifier, **changes)
