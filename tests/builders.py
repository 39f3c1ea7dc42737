"""Records for tests: every field has a value, tests name those that matter."""

from typing import Any

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
