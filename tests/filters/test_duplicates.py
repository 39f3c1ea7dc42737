import itertools
import random
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.bands import NONE
from filters.duplicates import Standing, Turn, Turns, answers_agree, best_of_each, resolve, text_keys, unknown_answers

THRESHOLD = 0.8


class Edge(NamedTuple):
    """Two documents that are alike."""

    better: int
    worse: int
    jaccard: float


class Graph(NamedTuple):
    """Documents by quality."""

    copies: dict[int, int]
    edges: list[Edge]
    same: list[tuple[int, int]]
    earlier: int

    @property
    def count(self) -> int:
        return (
            max([*self.copies, *self.copies.values(), *(end for edge in self.edges for end in edge[:2]), *sum(self.same, ()), 0])
            + 1
        )


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    """Return documents: copies of others, edges between them, texts with and without a known answer, and how many are earlier."""
    count = draw(st.integers(1, 9))
    texts = [(draw(st.integers(0, 3)), draw(st.sampled_from([None, None, "4", "5"]))) for _ in range(count)]
    copies = {one: texts.index(texts[one]) for one in range(count) if texts.index(texts[one]) != one}
    bests = [one for one in range(count) if one not in copies]
    same = [(a, b) for a in bests for b in bests if a != b and texts[a][0] == texts[b][0] and texts[a][1] is None]
    edges = {}
    for better, worse in draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=12)):
        if texts[better][0] != texts[worse][0]:
            ends = (min(better, worse), max(better, worse))
            similar = draw(st.sampled_from([0.7, 0.75, 0.8, 0.9]))
            if similar >= THRESHOLD:  # those are between the bests
                ends = (copies.get(ends[0], ends[0]), copies.get(ends[1], ends[1]))
            edges[min(ends), max(ends)] = similar
    return Graph(copies, [Edge(*ends, similar) for ends, similar in edges.items()], same, draw(st.integers(0, count)))


def _is_exact(graph: Graph, one: int, other: int) -> bool:
    bests = (graph.copies.get(one, one), graph.copies.get(other, other))
    return bests[0] == bests[1] or bests in graph.same or bests[::-1] in graph.same


def _alike(graph: Graph, one: int, other: int) -> float:
    """Return how alike two documents are by what is known, 0 where they are no copies."""
    if _is_exact(graph, one, other):
        return 1.0
    bests = {graph.copies.get(one, one), graph.copies.get(other, other)}
    same = [edge.jaccard for edge in graph.edges if edge.jaccard >= THRESHOLD and {edge.better, edge.worse} == bests]
    return max([*same, *(edge.jaccard for edge in graph.edges if {edge.better, edge.worse} == {one, other})], default=0.0)


@given(_graphs())
def test_who_is_removed_is_what_priority_rounds_come_to(graph: Graph) -> None:
    found = resolve(graph.copies, graph.edges, THRESHOLD, graph.same, graph.earlier)
    undecided, kept, out = set(range(graph.count)), set(range(min(graph.earlier, graph.count))), set()
    undecided -= kept
    while undecided:  # in: no better one that is undecided or kept is its copy; out: a better one that is kept is
        out |= {one for one in undecided if any(_alike(graph, one, other) for other in kept if other < one)}
        undecided -= out
        sure = {one for one in undecided if not any(_alike(graph, one, other) for other in undecided if other < one)}
        kept |= sure
        undecided -= sure
    assert found.keys() == out
    for one, (keeper, kind, jaccard) in found.items():
        assert keeper in kept and keeper < one
        assert jaccard == _alike(graph, one, keeper) == max(_alike(graph, one, other) for other in kept if other < one)
        assert (kind == "exact") == _is_exact(graph, one, keeper)


@given(_graphs(), st.randoms())
def test_the_order_of_edges_does_not_matter(graph: Graph, rng: random.Random) -> None:
    shuffled = [rng.sample(pairs, len(pairs)) for pairs in (graph.edges, graph.same)]
    found = resolve(graph.copies, graph.edges, THRESHOLD, graph.same, graph.earlier)
    assert resolve(graph.copies, shuffled[0], THRESHOLD, shuffled[1], graph.earlier) == found


def test_nothing_is_removed_through_a_chain() -> None:
    assert resolve({}, [Edge(0, 1, 0.8), Edge(1, 2, 0.9)], THRESHOLD) == {1: Standing(0, "near", 0.8)}


def test_a_long_chain_is_decided_to_its_end() -> None:
    found = resolve({}, [Edge(one, one + 1, 0.8) for one in range(10_000)], THRESHOLD)
    assert found.keys() == set(range(1, 10_001, 2))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12))
def test_the_best_of_each_is_the_first_with_its_keys(rows: list[tuple[int, int]]) -> None:
    keys = np.array(rows, dtype=np.uint64).reshape(-1, 2)
    assert best_of_each(keys[:, 0], keys[:, 1]).tolist() == [rows.index(row) for row in rows]


@pytest.mark.parametrize(
    ("one", "other", "agree"), [("4", "4", True), ("4", "5", False), (None, "4", True), ("4", None, True), ("", "4", False)]
)
def test_answers_agree_where_they_are_equal_or_one_is_not_known(one: str | None, other: str | None, agree: bool) -> None:
    assert answers_agree(text_keys([one]), text_keys([other])).tolist() == [agree]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), unique=True))
def test_a_text_without_an_answer_is_paired_with_that_text_and_any(rows: list[tuple[int, int]]) -> None:
    keys, answers = np.array(rows, dtype=np.uint64).reshape(-1, 2).T
    found = zip(*(places.tolist() for places in unknown_answers(keys, keys, answers)), strict=True)
    pairs = {(one, other) for one, a in enumerate(rows) for other, b in enumerate(rows) if a[0] == b[0] and a[1] == NONE != b[1]}
    assert set(found) == pairs


def test_no_text_has_a_key_of_its_own() -> None:
    keys = text_keys([None, "", " ", "a", "A"]).tolist()
    assert keys[0] == NONE and len(set(keys)) == 5


@given(_graphs(), st.none() | st.integers(1, 3), st.data())
def test_a_row_is_turned_away_for_a_released_one_or_for_want_of_a_place(
    graph: Graph, quota: int | None, data: st.DataObject
) -> None:
    """A problem releases the first of its rows that are no copies, one of each way; whoever else may be released is a copy of one
    that is, goes the way of one, or finds no place.
    """
    count = graph.count
    problem_of = [data.draw(st.integers(0, 2)) for _ in range(count)]
    way_of = [data.draw(st.integers(0, 2) | st.just(10 + document)) for document in range(count)]
    may_be_kept = data.draw(st.permutations(range(count)))[: data.draw(st.integers(0, count))]
    turn: dict[int, Turn] = {}
    for problem in range(3):
        ways: dict[int, list[int]] = {}
        for document in (one for one in may_be_kept if problem_of[one] == problem):
            ways.setdefault(way_of[document], []).append(document)
        in_turn = [of_way[0] for of_way in ways.values()]
        in_turn += [one for one in may_be_kept if problem_of[one] == problem and one not in in_turn]
        for of_way in ways.values():
            for document, after in itertools.pairwise([*of_way, None]):
                following = -1 if after is None else in_turn.index(after)
                turn[document] = Turn(problem, in_turn.index(document), following, len(ways))
    known = {*graph.copies, *graph.copies.values(), *(end for edge in graph.edges for end in edge[:2])}
    known |= {end for pair in graph.same for end in pair}
    turns = Turns(quota, {document: one for document, one in turn.items() if document in known})
    found = resolve(graph.copies, graph.edges, THRESHOLD, graph.same, turns=turns)
    released: set[int] = set()
    for problem in range(3):
        places: dict[int, int] = {}
        for _, document in sorted((one.turn, document) for document, one in turn.items() if one.problem == problem):
            if document not in found and (quota is None or len(places) < quota):
                places.setdefault(way_of[document], document)
        released |= set(places.values())
    assert not any(_alike(graph, one, other) for one in released for other in released if one != other)
    for document in turn.keys() - released:
        has_copy = any(_alike(graph, document, other) for other in released)
        beside = [other for other in released if problem_of[other] == problem_of[document]]
        assert has_copy or len(beside) == quota or way_of[document] in (way_of[other] for other in beside)
