"""A hint is the answer alone: never a worked solution, whatever stands in the gold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.hints import MAX_HINT_CHARS, MAX_TESTS_CHARS, hint_of
from tests.builders import a_problem

DATA = Path(__file__).parents[2].parent / "shared" / "data"
on_real_data = [
    pytest.mark.load,
    pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there: the real data sets are no part of the project"),
]
OPTIONS = ("bank", "library", "mall")


def _hint(gold: str | None, checker: str = "numeric", **fields: Any) -> str | None:
    return hint_of(a_problem(answer=gold, checker=checker, **fields))


@pytest.mark.parametrize("gold", ["18", "$1,200", "1/2", "-3.5", "25%", "5 km"])
def test_a_plain_answer_is_its_own_hint(gold: str) -> None:
    assert _hint(f" {gold}\n") == _hint(gold, "math") == gold


@pytest.mark.parametrize(
    "gold", [r"\frac{3}{4}", "x=5", r"\left( 3, \frac{\pi}{2} \right)", r"\text{Evelyn}", r"$\boxed{5}$", "1,-2"]
)
def test_a_formula_is_its_own_hint(gold: str) -> None:
    assert _hint(gold, "math") == gold


WORKED = [
    "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = <<48+24=72>>72 clips altogether.\n#### 72",
    "48/2 = 24, so 48 + 24 = 72",
    "x=<<11=11>>11 goats #### 11",
    r"One raised to any power is one, so our answer is $\boxed{1}.$",
    "It is seventy-two because she sold half as many clips in May as she had sold in April to her friends",
    "18\n19",
    "9" * (MAX_HINT_CHARS + 1),
]


@pytest.mark.parametrize("gold", WORKED)
@pytest.mark.parametrize("checker", ["numeric", "math", "text"])
def test_a_worked_solution_is_no_hint(gold: str, checker: str) -> None:
    assert _hint(gold, checker) is None


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from("+-*"), st.sampled_from(["numeric", "math", "text"]))
def test_no_equation_that_is_worked_out_gets_into_a_hint(one: int, other: int, sign: str, checker: str) -> None:
    result = {"+": one + other, "-": one - other, "*": one * other}[sign]
    assert _hint(f"{one} {sign} {other} = {result}", checker) is None
    assert _hint(str(result), checker) == str(result)


@pytest.mark.parametrize("gold", [None, "", "  ", "proof", "n/a", "not found"])
@pytest.mark.parametrize("checker", ["numeric", "math", "text", "proof"])
def test_where_there_is_no_answer_there_is_no_hint(gold: str | None, checker: str) -> None:
    assert _hint(gold, checker) is None


def test_what_no_number_can_be_read_from_is_no_hint_for_one_and_a_proof_is_none_at_all() -> None:
    assert _hint("a few") is None and _hint("a few", "text") == "a few"
    assert _hint("exact rfl", "proof") is None


@pytest.mark.parametrize(
    ("gold", "label"), [("B", "B"), ("(b)", "B"), ("library", "B"), ("(B) library", "B"), ("A or B", None), ("F", None)]
)
def test_of_options_it_is_the_label_of_the_right_one(gold: str, label: str | None) -> None:
    assert _hint(gold, "choice", choices=OPTIONS) == label


def test_of_code_it_is_the_tests_and_never_the_solution() -> None:
    tests = "assert add(1, 2) == 3"
    assert _hint("def add(a, b):\n    return a + b", "code", tests=tests) == tests
    for none in (None, " \n", "x" * (MAX_TESTS_CHARS + 1)):
        assert _hint("def add(a, b): return a + b", "code", tests=none) is None


def _rows(path: str) -> Iterator[dict[str, Any]]:
    for line in (DATA / path).read_text("utf-8").split("\n"):
        if line:
            yield json.loads(line)


class TestOnRealData:
    pytestmark = on_real_data

    @pytest.mark.parametrize("part", ["train", "test"])
    @pytest.mark.parametrize("checker", ["numeric", "math", "text"])
    def test_gsm8k(self, part: str, checker: str) -> None:
        """The answer behind the mark is the hint; the whole field, in its lines or in one, is none."""
        rows = [row["answer"] for row in _rows(f"gsm8k/{part}.jsonl")]
        golds = [row.rpartition("#### ")[2] for row in rows]
        assert len(rows) in (7473, 1319) and [gold for gold in golds if _hint(gold, checker) != gold] == []
        assert [row for row in rows if _hint(row, checker) or _hint(" ".join(row.split()), checker)] == []

    def test_math500(self) -> None:
        rows = list(_rows("math500/test.jsonl"))
        assert len(rows) == 500 and [row for row in rows if _hint(row["answer"], "math") != row["answer"]] == []
        assert [row for row in rows if _hint(row["solution"], "math")] == []

    def test_commonsenseqa(self) -> None:
        rows = list(_rows("commonsenseqa/dev.jsonl"))
        for row in rows:
            texts = {one["label"]: one["text"] for one in row["question"]["choices"]}
            for gold in (row["answerKey"], texts[row["answerKey"]]):
                hint = _hint(gold, "choice", choices=tuple(texts.values()))
                same = [label for label, text in texts.items() if text == texts[row["answerKey"]]]
                assert hint == row["answerKey"] or (len(same) > 1 and hint is None), row
        assert len(rows) == 1221
