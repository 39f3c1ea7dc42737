"""The project's own set of verdicts, written from the rules before the checkers were: equivalences, near misses, cheats.

Each line of `verdict_cases/*.jsonl` says what is expected: "not_correct" is anything but correct.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from filters.checkers import CHECKERS, auto_checker
from schemas.annotation import Verdict
from schemas.problem import Problem

CASES = Path(__file__).parent / "verdict_cases"
FILES = sorted(path.stem for path in CASES.glob("*.jsonl"))
CHEATS = "cheats"
MARK = Path(tempfile.gettempdir()) / "starbeam_pwned"  # what the injected code of some cheats would write


def cases(name: str) -> Iterator[dict[str, Any]]:
    for line in (CASES / f"{name}.jsonl").read_text("utf-8").split("\n"):
        if line:
            yield json.loads(line)


def text_of(response: str | list[Any]) -> str:
    """Return a response, whose long runs are written as {"repeat": {"text", "times"}}."""
    if isinstance(response, str):
        return response
    return "".join(one if isinstance(one, str) else one["repeat"]["text"] * one["repeat"]["times"] for one in response)


def judged(case: dict[str, Any]) -> Verdict:
    gold = text_of(case["gold"])
    problem = Problem.of(question="", answer=gold, checker=case["kind"], source="", choices=case.get("choices") or ())
    kind = auto_checker(problem) if case["kind"] == "auto" else case["kind"]
    return CHECKERS[kind].check(problem, text_of(case["response"]))


def is_as_expected(expected: str, status: str) -> bool:
    return status != "correct" if expected == "not_correct" else status == expected


@pytest.mark.parametrize("name", FILES)
def test_every_verdict_is_as_expected(name: str) -> None:
    MARK.unlink(missing_ok=True)
    wrong = []
    for case in cases(name):
        verdict = judged(case)
        if not is_as_expected(case["expect"], verdict.status):
            wrong.append((case["kind"], case["gold"], str(case["response"])[:200], case["expect"], verdict))
    assert wrong == []
    assert not MARK.exists()


def test_the_set_is_as_large_as_it_says() -> None:
    rows = {name: list(cases(name)) for name in FILES}
    others = [row for name, of_name in rows.items() if name != CHEATS for row in of_name]
    assert len(rows[CHEATS]) >= 100 and len(others) >= 300
    right = sum(row["expect"] == "correct" for row in others)
    assert 0.4 <= right / len(others) <= 0.6
