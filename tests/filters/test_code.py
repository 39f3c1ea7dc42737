"""The checker of code: HumanEval's own solutions, assertions, programs with inputs, and what is no answer."""

import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from filters.checkers.code import MAX_CASES, MAX_SHOWN_CHARS, Code, same_output
from filters.sandbox.launch import launch
from filters.sandbox.run import missing_walls
from schemas.problem import Problem
from tests.builders import a_problem

load = pytest.mark.load
CHECKER = Code()
HUMANEVAL = Path(__file__).parents[2].parent / "shared" / "data" / "humaneval" / "HumanEval.jsonl.gz"
needs_humaneval = pytest.mark.skipif(not HUMANEVAL.exists(), reason=f"HumanEval is not at {HUMANEVAL}")
SQUARES = "assert square(2) == 4\nassert square(3) == 9"


@pytest.fixture(autouse=True)
def sandbox() -> None:
    if launch().spec is None:
        pytest.skip("this machine has neither bubblewrap nor libseccomp")


def humaneval(first: int | None = None) -> list[tuple[Problem, dict[str, str]]]:
    with gzip.open(HUMANEVAL, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][:first]
    problems = [
        Problem.of(
            question=row["prompt"],
            answer=None,
            tests=row["test"],
            checker="code",
            source="humaneval",
            metadata=json.dumps({"entry_point": row["entry_point"]}),
        )
        for row in rows
    ]
    return list(zip(problems, rows, strict=True))


def fenced(code: str) -> str:
    return f"Here is the function.\n\n```python\n{code}\n```\n\nIt does what was asked."


@needs_humaneval
def test_the_first_canonical_solutions_pass_and_an_empty_body_fails() -> None:
    for problem, row in humaneval(20):
        assert CHECKER.check(problem, fenced(row["prompt"] + row["canonical_solution"])).status == "correct"
        assert CHECKER.check(problem, "    pass\n").status == "incorrect"


RIGHT = {
    "the whole": lambda row: fenced(row["prompt"] + row["canonical_solution"]),
    "the function without what stands before it": lambda row: fenced(
        (row["prompt"] + row["canonical_solution"])[row["prompt"].index(f"def {row['entry_point']}") :]
    ),
    "the body": lambda row: row["canonical_solution"],
    "the body in a block": lambda row: fenced(row["canonical_solution"]),
    "the body without its first spaces": lambda row: row["canonical_solution"].strip(),
    "the body and more": lambda row: row["canonical_solution"] + "\n\nprint('a test')\nThis prints a test.",
    "bare code": lambda row: row["prompt"] + row["canonical_solution"],
    "after a thought": lambda row: (
        "<think>```python\ndef x(): pass\n```</think>" + fenced(row["prompt"] + row["canonical_solution"])
    ),
    "after a first try": lambda row: (
        fenced(row["prompt"] + "    return None\n") + fenced(row["prompt"] + row["canonical_solution"])
    ),
}
WRONG = {
    "returns nothing": lambda row: "    pass\n",
    "returns what it got": lambda row: "    return next(iter(locals().values()))\n",
    "raises": lambda row: "    raise NotImplementedError\n",
    "ends the process first": lambda row: fenced("import os\nos._exit(0)\n" + row["prompt"] + row["canonical_solution"]),
    "leaves first": lambda row: fenced("import sys\nsys.exit(0)\n" + row["prompt"] + row["canonical_solution"]),
    "leaves when called": lambda row: "    import sys\n    sys.exit(0)\n",
    "ends the process when called": lambda row: "    import os\n    os._exit(0)\n",
    "equals all": lambda row: "    class E:\n        __eq__ = __ne__ = __lt__ = __gt__ = lambda *_: True\n    return E()\n",
    "patches assertions": lambda row: fenced(
        "import builtins\nbuiltins.AssertionError = type('E', (Exception,), {})\ndef check(*_): pass\n"
        + row["prompt"]
        + "    return\n"
    ),
    "is a second try": lambda row: fenced(row["prompt"] + row["canonical_solution"]) + fenced(row["prompt"] + "    return None\n"),
}


@load
@needs_humaneval
@pytest.mark.parametrize("form", RIGHT)
def test_all_canonical_solutions_pass_in_every_form(form: str) -> None:
    verdicts = [CHECKER.check(problem, RIGHT[form](row)) for problem, row in humaneval()]
    assert len(verdicts) == 164
    assert {(verdict.status, verdict.reason) for verdict in verdicts} == {("correct", "passed")}


@load
@needs_humaneval
@pytest.mark.parametrize("form", WRONG)
def test_no_wrong_body_passes(form: str) -> None:
    verdicts = [CHECKER.check(problem, WRONG[form](row)) for problem, row in humaneval()]
    assert {verdict.status for verdict in verdicts} <= {"incorrect", "unsure"}
    if form != "equals all":
        assert {verdict.status for verdict in verdicts} == {"incorrect"}


@load
@needs_humaneval
def test_the_bare_solutions_of_a_data_set_can_be_judged() -> None:
    assert all(CHECKER.judge(problem, row["prompt"] + row["canonical_solution"]).reason == "passed" for problem, row in humaneval())


def code_problem(tests: str | None = SQUARES, **changes: Any) -> Problem:
    return a_problem(**{"question": "Write a function square.", "answer": None, "checker": "code", "tests": tests, **changes})


@pytest.mark.parametrize(
    ("response", "status", "reason"),
    [
        (fenced("def square(x): return x * x"), "correct", "passed"),
        ("def square(x): return x * x", "correct", "passed"),
        ("<think>hm</think>\n" + fenced("def square(x): return x * x"), "correct", "passed"),
        (fenced("def square(x): return times(x, x)") + fenced("def times(a, b): return a * b"), "correct", "passed"),
        (fenced("def times(a, b): return a * b") + fenced("def square(x): return times(x, x)"), "correct", "passed"),
        (fenced("def square(x): return x * x") + fenced("print(square(int(input())))"), "correct", "passed"),
        (fenced("def square(x): return x * x") + "Output:\n```\n4\n```", "correct", "passed"),
        (fenced("def square(x): return x + x"), "incorrect", "failed"),
        (fenced("def cube(x): return x ** 3"), "incorrect", "not_defined"),
        (fenced("def square(x) return x"), "incorrect", "syntax_error"),
        ("I cannot do this.", "incorrect", "no_answer"),
        ("", "incorrect", "no_answer"),
        ("<think>```python\ndef square(x): return x * x\n```", "incorrect", "no_answer"),
        ("```python\n```", "incorrect", "no_answer"),
        (fenced("#" * 70_000), "incorrect", "no_answer"),
    ],
)
def test_responses(response: str, status: str, reason: str) -> None:
    verdict = CHECKER.check(code_problem(), response)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert (verdict.extracted is None) == (reason == "no_answer")


def test_what_is_shown_is_the_code_that_ran() -> None:
    verdict = CHECKER.check(code_problem(), "First:\n" + fenced("def square(x): return 0") + fenced("def square(x): return x * x"))
    assert verdict.extracted == "def square(x): return x * x"
    assert verdict.checker == "code_v1" + missing_walls()
    long = CHECKER.check(code_problem(), fenced("def square(x): return x * x\n" + "#" * 10_000))
    assert long.status == "correct" and long.extracted is not None and len(long.extracted) == MAX_SHOWN_CHARS


@pytest.mark.parametrize(
    ("tests", "changes"),
    [
        (None, {}),
        ("", {}),
        ("square(2) == 4", {}),
        ("assert square(2", {}),
        ("[]", {}),
        ("[1]", {}),
        ('[{"input": "1"}]', {}),
        ('[{"input": 1, "output": "1"}]', {}),
        ('[{"input": "1", "output": "1"}, "assert True"]', {}),
        ("[" * 5000, {}),
        (json.dumps([{"input": "", "output": ""}] * (MAX_CASES + 1)), {}),
        (SQUARES, {"metadata": '{"entry_point": 5}'}),
        (SQUARES, {"metadata": "no JSON"}),
        (SQUARES, {"metadata": '{"entry_point": "cube"}'}),
        (SQUARES, {"metadata": '{"entry_point": "not an expression"}'}),
        (None, {"answer": "def square(x): return x * x"}),
    ],
)
def test_a_gold_that_cannot_be_read_is_an_error(tests: str | None, changes: dict[str, Any]) -> None:
    verdict = CHECKER.check(code_problem(tests, **changes), fenced("def square(x): return x * x"))
    assert (verdict.status, verdict.reason) == ("error", "gold_unreadable")


def test_tests_may_stand_in_the_gold_and_be_a_list() -> None:
    right = fenced("def square(x): return x * x")
    assert CHECKER.check(code_problem(None, answer=SQUARES), right).reason == "passed"
    assert CHECKER.check(code_problem(json.dumps(SQUARES.split("\n"))), right).reason == "passed"
    assert CHECKER.check(code_problem(json.dumps(["assert square(2) == 4", "assert square(3) == 10"])), right).reason == "failed"


def cases(*pairs: tuple[str, str]) -> str:
    return json.dumps([{"input": given, "output": wanted} for given, wanted in pairs])


ADDS = "print(sum(map(int, input().split())))"


@pytest.mark.parametrize(
    ("program", "tests", "status", "reason"),
    [
        (ADDS, cases(("1 2", "3"), ("4 5\n", "9\n")), "correct", "passed"),
        (ADDS, cases(("1 2", "3"), ("4 5", "10")), "incorrect", "failed"),
        (ADDS, cases(("1 2", "3"), ("a b", "?")), "incorrect", "raised"),
        ("print('a  \\nb\\n\\n')", cases(("", "a\nb")), "correct", "passed"),
        ("print('a\\r\\nb')", cases(("", "a\nb\n")), "correct", "passed"),
        ("print(' a')", cases(("", "a")), "incorrect", "failed"),
        ("print('a b')", cases(("", "a  b")), "incorrect", "failed"),
        ("print('a\\n\\nb')", cases(("", "a\nb")), "incorrect", "failed"),
        ("print(0.5)", cases(("", "0.50")), "incorrect", "failed"),
        ("print('1')", cases(("", "")), "incorrect", "failed"),
        ("pass", cases(("", "")), "correct", "passed"),
        ("1 / 0", cases(("", "")), "incorrect", "raised"),
        ("import sys\nsys.exit(1)", cases(("", "")), "incorrect", "exited"),
        ("import os\nos.kill(os.getpid(), 9)", cases(("", "")), "unsure", "not_permitted"),
        ("print('x' * 100_000)", cases(("", "x" * 100_000)), "correct", "passed"),
        ("print('x' * 100_000)", cases(("", "x")), "incorrect", "output_too_long"),
        ("print('é')", cases(("", "é")), "correct", "passed"),
        ("import sys\nsys.stdout.buffer.write(b'\\xff')", cases(("", "\ufffd")), "correct", "passed"),
        ("def f(: pass", cases(("", "")), "incorrect", "syntax_error"),
    ],
)
def test_programs(program: str, tests: str, status: str, reason: str) -> None:
    verdict = CHECKER.check(code_problem(tests), fenced(program))
    assert (verdict.status, verdict.reason) == (status, reason)


@pytest.mark.parametrize(
    ("written", "wanted", "status"),
    [
        ("0.3333333", "0.33333333", "correct"),
        ("x 1000000.9 y", "x 1000000 y", "correct"),
        ("x 1000001 y", "x 1000000 y", "incorrect"),
        ("1e-9", "0", "correct"),
        ("0.34", "0.33", "incorrect"),
        ("0.3333333 1", "0.33333333", "incorrect"),
        ("0.3333333\n1", "0.33333333", "incorrect"),
        ("nan", "1", "incorrect"),
        ("inf", "1e300", "incorrect"),
        ("5", "1e999", "incorrect"),
        ("1_0", "10", "incorrect"),
        ("0x1", "1", "incorrect"),
        ("1" * 100, "1" * 99 + "2", "incorrect"),
        ("abc", "abd", "incorrect"),
    ],
)
def test_numbers_differ_only_where_a_tolerance_is_declared(written: str, wanted: str, status: str) -> None:
    assert same_output(written, wanted, 1e-6) == (status == "correct")
    assert same_output(written, wanted, 0.0) == (written == wanted)


def test_a_tolerance_is_declared_in_the_metadata() -> None:
    tests = cases(("", "0.33333333"))
    assert CHECKER.check(code_problem(tests, metadata='{"tolerance": 1e-6}'), fenced("print(1 / 3)")).status == "correct"
    assert CHECKER.check(code_problem(tests), fenced("print(1 / 3)")).status == "incorrect"


def test_a_tolerance_that_is_none_is_an_error() -> None:
    problem = code_problem(cases(("", "1")), metadata='{"tolerance": "small"}')
    assert CHECKER.check(problem, fenced("print(1)")).reason == "tolerance_unreadable"


def test_it_pickles_and_says_the_same_again() -> None:
    response = fenced("def square(x): return x * x")
    assert pickle.loads(pickle.dumps(CHECKER)).check(code_problem(), response) == CHECKER.check(code_problem(), response)


@pytest.mark.parametrize(
    "response", ["```" * 100_000, "```python\n" * 50_000, "`" * 300_000, "def f(" * 50_000, "\0" * 1000, "\ud800"]
)
def test_hostile_text_has_a_verdict(response: str) -> None:
    assert CHECKER.check(code_problem(), response).status == "incorrect"
