import collections
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import duplicate_corpus
from benchmarks.duplicate_corpus import Corpus, edited, plans, texts
from benchmarks.duplicate_truth import Truth, bins, exact, score, words
from schemas.identity import rng_for

CORPUS = Corpus(240, seed=3)
TEXTS = [text for _, text in texts(CORPUS)]
FEW_WORDS = st.lists(st.sampled_from("so we add 3 and 4".split()), max_size=12).map(" ".join)


def _shingles(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[place : place + 5]) for place in range(len(found) - 4)}


def _jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return (shared := len(one & other)) / (len(one) + len(other) - shared) if one or other else 0.0


def _compared(documents: list[str], floor: float) -> dict[tuple[int, int], float]:
    """Return the pairs of at least the floor by comparing every document with every other."""
    sets = [_shingles(text) for text in documents]
    every = {(a, b): _jaccard(sets[a], sets[b]) for a, b in itertools.combinations(range(len(sets)), 2)}
    return {pair: jaccard for pair, jaccard in every.items() if jaccard >= floor}


def _joined(truth: Truth) -> dict[tuple[int, int], float]:
    return {(int(a), int(b)): float(jaccard) for (a, b), jaccard in zip(truth.pairs, truth.jaccard, strict=True)}


@settings(max_examples=40)
@given(st.lists(FEW_WORDS, max_size=12), st.sampled_from([0.3, 0.5, 0.8, 1.0]))
def test_the_join_finds_the_pairs_that_comparing_all_finds(documents: list[str], floor: float) -> None:
    assert _joined(exact(documents, floor)) == _compared(documents, floor)


def test_the_join_finds_all_pairs_of_the_corpus_and_not_only_the_planted() -> None:
    found = _joined(exact(TEXTS))
    assert found == _compared(TEXTS, 0.5)
    origins = [plan.origin for plan in plans(CORPUS)]
    assert any(origins[a] == origins[b] for a, b in found) and any(origins[a] != origins[b] for a, b in found)


def test_a_corpus_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert [text for _, text in texts(CORPUS)] == TEXTS
    assert not {text for _, text in texts(CORPUS._replace(seed=4))} & set(TEXTS)


def test_a_corpus_is_as_described() -> None:
    kinds = collections.Counter(plan.kind for plan in plans(Corpus(10_000)))
    assert sum(kinds.values()) == 10_000 and kinds["family"] == 90 and kinds["copied"] == 85 and kinds["changed"] == 50
    assert 0.7 < kinds["edited"] / 2800 < 0.8  # clusters of 2 to 6, one of each is the chain that was edited
    lengths = [len(words(text)) for text in TEXTS]
    assert min(lengths) >= 100 and max(lengths) <= 400 and 240 < sum(lengths) / len(lengths) < 260


@pytest.mark.parametrize("target", duplicate_corpus.TARGETS)
def test_edits_come_near_their_similarity_and_leave_the_numbers(target: float) -> None:
    chains = [text for plan, text in zip(plans(CORPUS), TEXTS, strict=True) if plan.kind == "chain"][:20]
    found = []
    for place, text in enumerate(chains):
        other = edited(text, target, rng_for(1, "edit", place))
        assert re.findall(r"\d+", other) == re.findall(r"\d+", text)
        found.append(_jaccard(_shingles(text), _shingles(other)))
    assert abs(sum(found) / len(found) - target) < 0.03


def test_changed_numbers_are_near_in_text_but_no_duplicates_and_a_family_has_none() -> None:
    truth, kinds = exact(TEXTS), np.array([plan.kind for plan in plans(CORPUS)])
    near = truth.jaccard >= 0.8
    unlike = (kinds[truth.pairs[near & ~truth.numbers_alike]] == "changed").any(axis=1)
    assert unlike.all() and unlike.any()
    assert not (kinds[truth.pairs[near]] == "family").any()


def test_a_score_counts_what_is_lost_what_is_left_and_what_was_only_renumbered() -> None:
    # 0 ~ 1 ~ 2 are a chain of which 0 and 2 are no duplicates; 3 and 4 differ in their numbers; 5 is alone but near to 0
    truth = Truth(np.array([[0, 1], [0, 5], [1, 2], [3, 4]]), np.array([0.9, 0.7, 0.8, 0.95]), np.array([True, True, True, False]))

    def scored(*removed: int) -> tuple[float, ...]:
        return tuple(score(truth, np.isin(np.arange(6), removed), 0.8))

    assert scored() == (0, 0.0, 2, 1.0, 1.0, 0, 0)
    assert scored(1) == (1, 1.0, 0, 1.0, 1.0, 0, 0)
    assert scored(1, 2) == (2, 1.0, 0, 1.0, 0.5, 0, 0)  # nothing like 2 is left
    assert scored(0, 4, 5) == (3, 0.5, 1, 0.5, 0.5, 1, 1)
    assert [int(inside.sum()) for _, _, inside in bins(truth, (0.7, 0.8, 0.9, 1.0))] == [1, 1, 1]
