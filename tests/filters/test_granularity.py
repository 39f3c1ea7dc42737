"""The column of granularity: each chain by itself, and its length beside the problem's other samples."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.granularity import granularity
from filters.tokens import WORDS, tokenizer
from schemas.annotation import Granularity, LanguageShare
from schemas.problem import Problem

counts = tokenizer(WORDS).counts


def problem(question: str) -> Problem:
    return Problem.of(question=question, answer="72", checker="numeric", source="test")


def test_a_row_has_its_length_its_results_and_its_languages() -> None:
    clips = problem("Natalia sold 48 clips in April and half as many in May.")
    english, mixed = "48/2 = 24 in May. 48+24 = 72.", "48 and then it is 72, 所以."
    assert granularity([english, mixed], [clips, clips], counts) == [
        Granularity(14, 2, 0.0, 14 / 10, [LanguageShare("en", 1.0)]),
        Granularity(10, 1, 1.0, 10 / 14, [LanguageShare("en", 0.8), LanguageShare("zh", 0.2)]),
    ]
    assert granularity(["No idea."], [clips], counts) == [Granularity(3, 0, None, None, [LanguageShare("en", 1.0)])]
    assert granularity([""], [clips], counts) == [Granularity(0, 0, None, None, [])]
    assert granularity([], [], counts) == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=12))
def test_expansion_is_by_the_median_of_the_others(rows: list[tuple[int, int]]) -> None:
    problems = [problem(f"Problem {which}") for which, _ in rows]
    found = granularity(["word " * length for _, length in rows], problems, counts)
    for place, (which, length) in enumerate(rows):
        others = [other for at, (of, other) in enumerate(rows) if of == which and at != place]
        median = statistics.median(others) if others else 0
        assert found[place].expansion == (pytest.approx(length / median) if median else None)


@given(st.permutations(["48/2 = 24.", "It is 24.", "一半是24", "", "24 and 24 and 24"]))
def test_the_order_of_the_rows_changes_nothing(chains: list[str]) -> None:
    clips = problem("Half of 48?")
    rows = dict(zip(chains, granularity(chains, [clips] * len(chains), counts), strict=True))
    ordered = sorted(chains)
    assert [rows[chain] for chain in ordered] == granularity(ordered, [clips] * len(ordered), counts)
