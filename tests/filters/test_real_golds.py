"""Every gold of the real data sets is right against itself, and wrong with one digit, sign or letter changed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from filters.checkers import CHECKERS
from schemas.problem import Problem

DATA = Path(__file__).parents[2].parent / "shared" / "data"
pytestmark = [
    pytest.mark.load,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there: the real data sets are no part of the project"),
]


def status(checker: str, gold: str, answer: str) -> str:
    problem = Problem.of(question="q", answer=gold, checker=checker, source="test")
    return CHECKERS[checker].check(problem, rf"So the answer is \boxed{{{answer}}}.").status


def changed(gold: str) -> Iterator[str]:
    """Yield the gold with each digit replaced by the nine others, each sign turned, a letter exchanged where it has no digit."""
    for place, sign in enumerate(gold):
        if sign.isdigit():
            yield from (gold[:place] + other + gold[place + 1 :] for other in "0123456789" if other != sign)
        elif sign in "+-":
            yield gold[:place] + "-+"["+-".index(sign)] + gold[place + 1 :]
        elif sign.isalpha() and not any(map(str.isdigit, gold)) and "\\" not in gold[:place].rpartition("{")[2]:
            yield gold[:place] + ("q" if sign != "q" else "z") + gold[place + 1 :]
    if gold != "0":
        yield f"-{gold}"


def rows(path: str) -> Iterator[dict[str, str]]:
    for line in (DATA / path).read_text("utf-8").split("\n"):
        if line:
            yield json.loads(line)


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("checker", ["numeric", "math"])
def test_gsm8k(part: str, checker: str) -> None:
    golds = {row["answer"].rpartition("#### ")[2] for row in rows(f"gsm8k/{part}.jsonl")}
    assert [gold for gold in golds if status(checker, gold, gold) != "correct"] == []
    assert [
        (gold, other) for gold in golds for other in list(changed(gold))[::7] if status(checker, gold, other) == "correct"
    ] == []


def test_math500() -> None:
    golds = {row["answer"] for row in rows("math500/test.jsonl")}
    assert [gold for gold in golds if status("math", gold, gold) != "correct"] == []
    assert [(gold, other) for gold in golds for other in changed(gold) if status("math", gold, other) == "correct"] == []
