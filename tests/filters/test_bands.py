import collections
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import bands
from filters.bands import Bands, band_keys, bands_for, candidate_pairs, pairs_within
from filters.signatures import PERMUTATIONS


def test_the_usual_threshold_has_twenty_bands_of_six() -> None:
    assert bands_for(0.8) == Bands(20, 6)


@given(st.floats(0.05, 1.0))
def test_a_pair_at_the_threshold_is_all_but_surely_a_candidate(threshold: float) -> None:
    chosen = bands_for(threshold)
    assert chosen.number >= 1 and chosen.rows >= 1 and chosen.number * chosen.rows <= PERMUTATIONS
    assert chosen.recall(threshold) >= 0.9975 - 1e-12


@given(st.floats(0.05, 1.0))
def test_no_longer_band_would_do(threshold: float) -> None:
    rows = bands_for(threshold).rows + 1
    number = PERMUTATIONS // rows
    assert number == 0 or Bands(number, rows).recall(threshold) < 0.9975 + 1e-12


@given(st.floats(0, 0.05, exclude_min=True))
def test_at_a_tiny_threshold_every_slot_is_a_band(threshold: float) -> None:
    chosen = bands_for(threshold)
    assert chosen.number * chosen.rows >= 120


@given(st.lists(st.lists(st.integers(0, 1), min_size=6, max_size=6), min_size=1, max_size=6))
def test_keys_are_equal_exactly_where_a_band_is(slots: list[list[int]]) -> None:
    matrix = np.zeros((len(slots), PERMUTATIONS), dtype=np.uint32)
    matrix[:, :6] = slots
    keys = np.stack([band_keys(matrix, Bands(3, 2), band) for band in range(3)], axis=1)
    assert keys.shape == (len(slots), 3) and keys.dtype == np.uint64
    for (one, a), (other, b) in itertools.product(enumerate(slots), repeat=2):
        for band, also in itertools.product(range(3), repeat=2):
            same = band == also and a[2 * band : 2 * band + 2] == b[2 * band : 2 * band + 2]
            assert bool(keys[one, band] == keys[other, also]) == same


def _pairs(entries: list[tuple[int, int]]) -> list[tuple[int, int]]:
    keys, documents = (np.array([entry[place] for entry in entries], dtype=np.uint64) for place in (0, 1))
    return [(int(one), int(other)) for one, other in candidate_pairs(keys, documents, collections.Counter())]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_candidates_are_all_pairs_that_share_a_key_each_once(entries: list[tuple[int, int]]) -> None:
    brute = {(a, b) for (key, a), (also, b) in itertools.product(entries, repeat=2) if key == also and a < b}
    assert _pairs(entries) == sorted(brute)


def test_a_bucket_of_the_largest_size_is_still_compared_in_full() -> None:
    size = bands.BUCKET_ALL_PAIRS
    assert len(_pairs([(7, number) for number in range(size)])) == size * (size - 1) // 2


def test_the_pairs_of_a_big_bucket_grow_as_its_rows_do() -> None:
    counts = {}
    for size in (1000, 2000, 4000):
        pairs = _pairs([(7, number) for number in range(size)])
        counts[size] = len(pairs)
        assert {number for pair in pairs for number in pair} == set(range(size))
    assert counts[4000] - counts[2000] == 2 * (counts[2000] - counts[1000])
    assert counts[1000] <= 1000 * (bands.BUCKET_ANCHORS + bands.BUCKET_WINDOW)


def test_a_big_bucket_does_not_hide_a_small_one() -> None:
    entries = [(7, number) for number in range(1000)] + [(8, 3), (8, 900), (6, 500), (6, 40)]
    pairs = set(_pairs(entries))
    assert {(3, 900), (40, 500)} <= pairs and (41, 500) not in pairs


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 99), st.integers(0, 3)), max_size=60))
def test_of_a_big_bucket_all_pairs_with_one_answer_are_looked_at(entries: list[tuple[int, int, int]]) -> None:
    most = bands.BUCKET_ANCHORS
    keys, documents, answers = (np.array([entry[place] for entry in entries], dtype=np.uint64) for place in range(3))
    found = {(int(one), int(other)) for one, other in candidate_pairs(keys, documents, collections.Counter(), most, answers)}
    sizes = collections.Counter((key, answer) for key, _, answer in entries)
    of_key = collections.Counter(key for key, _, _ in entries)
    for (key, one, answer), (also, other, second) in itertools.combinations(entries, 2):
        if key == also and one != other and (min(one, other), max(one, other)) not in found:
            assert of_key[key] > most and (answer != second or sizes[key, answer] > most)


def test_a_big_bucket_of_many_answers_leaves_nothing_out() -> None:
    keys, documents = np.full(1200, 7, dtype=np.uint64), np.arange(1200, dtype=np.uint64)
    answers = documents % np.uint64(600) + np.uint64(1)
    counts: collections.Counter[str] = collections.Counter()
    found = set(map(tuple, candidate_pairs(keys, documents, counts, answers=answers).tolist()))
    assert {(one, one + 600) for one in range(600)} <= found and not counts.total()
    answers[:50] = bands.NONE
    candidate_pairs(keys, documents, counts, answers=answers)
    assert counts["buckets_capped"] == 1 and 0 < counts["pairs_capped"] <= 50 * 1150


def test_all_samples_of_a_problem_are_compared_and_of_very_many_those_that_share_a_band(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    signed = rng.integers(0, 2**32, (40, PERMUTATIONS), dtype=np.uint32)
    signed[35] = signed[20]  # neither an anchor nor within the window of the other
    groups, documents = np.repeat(np.array([7, 8], dtype=np.uint64), [36, 4]), np.arange(40, dtype=np.uint64)
    every = {(a, b) for a, b in itertools.combinations(range(40), 2) if (a < 36) == (b < 36)}
    answers = np.zeros(40, dtype=np.uint64)

    def found(counts: collections.Counter[str]) -> set[tuple[int, ...]]:
        return set(map(tuple, pairs_within(groups, lambda places: signed[places], documents, answers, 0.7, counts).tolist()))

    assert found(collections.Counter()) == every
    monkeypatch.setattr(bands, "PROBLEM_ALL_PAIRS", 10)
    counts: collections.Counter[str] = collections.Counter()
    fewer = found(counts)
    assert (20, 35) in fewer and fewer < every and {(a, b) for a, b in every if a >= 36} <= fewer and counts["buckets_capped"] == 1
