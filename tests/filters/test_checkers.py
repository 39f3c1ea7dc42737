"""What holds for every checker in the table."""

import functools
import json
import pickle
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.checkers import CHECKERS
from schemas.annotation import STATUSES
from schemas.problem import Problem
from tests.linear_time import assert_linear

# A problem with an answer that is right and one that is wrong; 18 and 19 serve every checker that these do not name.
CLAIM = {"prover": "z3", "header": "a b : Int", "statement": "a^2 + b^2 >= 2*a*b"}
OWN_EXAMPLES = {
    "choice": (Problem.of(question="q", answer="B", checker="choice", source="test", choices=("x", "y", "z")), "B", "C"),
    "code": (
        Problem.of(question="", answer=None, checker="code", source="test", tests="assert add(1, 2) == 3"),
        "```python\ndef add(a, b):\n    return a + b\n```",
        "```python\ndef add(a, b):\n    return a - b\n```",
    ),
    "proof": (
        Problem.of(question="", answer=None, checker="proof", source="test", tests=json.dumps(CLAIM)),
        "",
        "",
    ),
    "text": (Problem.of(question="q", answer="Paris", checker="text", source="test"), "Paris", "Pariss"),
}
NAMES = sorted(CHECKERS)
ANSWERS = [name for name in NAMES if name not in ("code", "proof")]  # those whose response is prose around an answer
EXAMPLES = {
    name: OWN_EXAMPLES.get(name) or (Problem.of(question="q", answer="18", checker=name, source="test"), "18", "19")
    for name in NAMES
}

fragments = st.sampled_from(
    [
        "\\boxed{",
        "}",
        "{",
        "$",
        "the answer is ",
        "answer: ",
        "#### ",
        "A: ",
        "\n",
        "<think>",
        "</think>",
        "答案是",
        "\\frac{",
        "/",
        "1/0",
        "1" * 5000,
        "e999999",
        ",",
        ".",
        "%",
        "²",
        "½",
        "(b)",
        "not ",
        " or ",
        "-",
        "\\",
        "**",
        "oops",
        "18",
        " ",
    ]
)
hostile = st.one_of(st.text(), st.lists(fragments, max_size=30).map("".join))


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("form", ["{}", "{}.", "So the answer is {}.", "Reasons.\n\n\\boxed{{{}}}", "<think>hm</think>Answer: {}"])
def test_the_oracle_passes_and_a_corrupted_answer_fails(name: str, form: str) -> None:
    problem, right, wrong = EXAMPLES[name]
    assert CHECKERS[name].check(problem, form.format(right)).status == "correct"
    assert CHECKERS[name].check(problem, form.format(wrong)).status == "incorrect"


@pytest.mark.parametrize("name", NAMES)
def test_pickles_and_is_named_with_a_version(name: str) -> None:
    checker = CHECKERS[name]
    problem, right, _ = EXAMPLES[name]
    assert pickle.loads(pickle.dumps(checker)).check(problem, right) == checker.check(problem, right)
    assert re.fullmatch(rf"{name}_v[0-9]+", checker.name)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(response=hostile, gold=st.one_of(st.none(), hostile))
def test_verdicts_on_any_text_are_well_formed(name: str, response: str, gold: str | None) -> None:
    problem, _, _ = EXAMPLES[name]
    for asked in (problem, Problem.of(question="q", answer=gold, checker=name, source="test", choices=problem.choices)):
        verdict = CHECKERS[name].check(asked, response)
        assert verdict.status in STATUSES
        assert verdict.checker.partition("+")[0] == CHECKERS[name].name  # behind it, the walls that a sandbox lacks
        assert re.fullmatch("[a-z_]+", verdict.reason)
        assert verdict.extracted is not None or verdict.status in ("incorrect", "error")
        assert verdict == CHECKERS[name].check(asked, response)


@pytest.mark.load
@pytest.mark.parametrize(
    "unit",
    [
        "\\boxed{",
        "{",
        "}",
        "answer: 5\n",
        "the answer is ",
        "答案是",
        "#### \n",
        "A:\n",
        "1",
        "**",
        " ",
        "a. ",
        "The answer is 5. So it is ",
        "\\boxed{5} is ",
        "wrong ",
        "so ",
        "$",
        "1 ",
    ],
)
def test_time_is_linear_in_the_response(unit: str) -> None:
    for name in NAMES:
        check = functools.partial(CHECKERS[name].check, EXAMPLES[name][0])
        assert_linear(check, unit * (10_000 // len(unit)), unit * (100_000 // len(unit)))
