"""Counts are those of a plain count, whatever is bounded; significance is that of exact sums."""

import collections
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import tallies as module
from filters.log_odds import holm, tails
from filters.patterns import KINDS, OPENERS, SIZES, kind_of, patterns, without_document
from filters.tallies import Counter, Sketch

WORDS = {"wait": "en", "let's": "en", "Check": "en", "等": "zh", "我": "zh", "12.5": "", "$x + 1$": "", "7": ""}
BETWEEN = (" ", ", ", ". ", "\n", "? ", " — ", "。")
ENDS = (". ", "\n", "? ", "。")

Token = tuple[str, str]  # a word, and what stands behind it


def _counted(tokens: Sequence[Token]) -> collections.Counter[tuple[str, str, tuple[str, ...]]]:
    """Return how often each pattern stands in a text, by looking at every run of its words."""
    found: collections.Counter[tuple[str, str, tuple[str, ...]]] = collections.Counter()
    sentences: list[list[str]] = [[]]
    for word, behind in tokens:
        if not (word[0].isdigit() and sentences[-1] and sentences[-1][-1][0].isdigit()):  # numbers in a row are one
            sentences[-1].append(word)
        if behind in ENDS:
            sentences.append([])
    for words in sentences:
        for first in range(len(words)):
            for last in range(first + 1, len(words) + 1):
                run = words[first:last]
                languages = {WORDS[word] for word in run} - {""}
                name = tuple("\x02" if "$" in word else "\x01" if word[0].isdigit() else word.lower() for word in run)
                for (kind, language), (least, most) in zip(KINDS, SIZES, strict=True):
                    if languages == {language} and least <= len(run) <= most and (kind == "ngram" or first == 0):
                        found[kind, language, name] += 1
    return found


@given(st.lists(st.lists(st.tuples(st.sampled_from(sorted(WORDS)), st.sampled_from(BETWEEN)), max_size=12), max_size=4))
def test_patterns_are_all_runs_of_words_in_a_sentence(documents: list[list[Token]]) -> None:
    batch = patterns(["".join(map("".join, tokens)) for tokens in documents])
    found: list[collections.Counter[tuple[str, str, tuple[str, ...]]]] = [collections.Counter() for _ in documents]
    for place, kind in enumerate(kind_of(batch.keys).tolist()):
        found[batch.document(place)][(*KINDS[kind], batch.words(place))] += 1
    assert found == [_counted(tokens) for tokens in documents]
    names = {int(key): batch.words(place) for place, key in enumerate(without_document(batch.keys))}
    assert len(names) == len({(kind, words) for one in found for kind, _, words in one})


TEXTS = [" ".join(f"w{chr(ord('a') + n % size)}" for n in range(60)) for size in (3, 5, 7, 11, 58, 59)] * 3


def _exact(texts: Sequence[str]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for text in texts:
        for key, count in collections.Counter(without_document(patterns([text]).keys).tolist()).items():
            counts = found.setdefault(key, [0, 0, 0])
            for place, value in enumerate((count, 1, count * count)):
                counts[place] += value
    return found


@pytest.mark.parametrize("most", [1 << 20, 100, 3])
def test_counts_are_exact_for_all_that_are_frequent_enough(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PATTERNS", most)
    monkeypatch.setattr(module, "PENDING", 500)
    sketch = Sketch()
    for text in TEXTS:
        sketch.add(patterns([text]))
    counter = Counter(sketch, 4)
    for place, text in enumerate(TEXTS):
        counter.add(patterns([text]), place % 2)
    tally, exact = counter.tally(), _exact(TEXTS)
    assert (counter.least == 4) == (most > 100) and len(tally.keys) <= most
    expected = {key: counts for key, counts in exact.items() if counts[0] >= counter.least}
    columns = (tally.counts.sum(axis=1), tally.documents.sum(axis=1), tally.squares)
    assert {key: list(counts) for key, *counts in zip(tally.keys.tolist(), *columns, strict=True)} == expected
    assert all(sketch.at_most(np.array([key], np.uint64))[0] >= counts[0] for key, counts in exact.items())
    assert (kind_of(tally.keys) < len(KINDS)).all() and OPENERS == 2


@given(st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.99))
def test_p_is_the_tail_of_the_binomial(first: int, second: int, share: float) -> None:
    both = first + second

    def mass(number: int) -> float:
        return math.comb(both, number) * share**number * (1 - share) ** (both - number)

    upper, lower = sum(map(mass, range(first, both + 1))), sum(map(mass, range(first + 1)))
    (p,) = tails(np.array([float(first)]), np.array([float(second)]), np.array([share]))
    assert math.isclose(p, min(2 * min(upper, lower), 1), rel_tol=1e-9)


def test_holm_multiplies_the_least_p_by_all_and_the_next_by_one_less() -> None:
    assert holm(np.array([0.04, 0.01, 0.03, 0.005])).tolist() == pytest.approx([0.06, 0.03, 0.06, 0.02])
