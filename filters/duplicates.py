"""Who is a copy of whom.  Exact copies by fingerprint, near-copies by bands, estimate and exact similarity, survivors by quality.

Every removed document has a kept one at or over the threshold, none is removed through a chain of others, and the order in which
documents come does not matter.  `filters/corpus.py` does this for files in one process, `pipeline/dedupe.py` between workers.
"""

import collections
import hashlib
import heapq
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from filters.bands import NONE, sharing
from filters.shingles import U64
from filters.similarity import Floats, Mask, Pair, Profiles, jaccards, numbers_alike

Places = npt.NDArray[np.int64]


def text_keys(texts: Iterable[str | None]) -> U64:
    """Return a 64-bit key of each text, letter for letter, NONE where there is none."""
    digests = (
        0
        if text is None
        else int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        for text in texts
    )
    return np.fromiter(digests, dtype=np.uint64)


class Standing(NamedTuple):
    """Who stands for a document that is not kept."""

    kept: int
    kind: Literal["exact", "near"]
    jaccard: float


class Turn(NamedTuple):
    """When a document is kept of those of its problem, where one of each way is."""

    problem: int
    turn: int  # from 0, the first of all ways before others
    after: int  # the turn of the next of its way, negative where there is none
    ways: int  # of the problem


class Turns(NamedTuple):
    """Whose turn it is to be kept where a problem keeps but some of its rows."""

    quota: int | None  # rows of a problem
    of: Mapping[int, Turn]  # documents that may be kept; one that is nobody's copy need not be there, and gets its place


def resolve(
    copies: Mapping[int, int],
    edges: Iterable[tuple[int, int, float]],
    threshold: float,
    same: Iterable[tuple[int, int]] = (),
    earlier: int = 0,
    turns: Turns | None = None,
) -> dict[int, Standing]:
    """Return who stands for each document that is no row of its own.  Documents are numbered by quality, the best first.

    `copies`: document → the best with its text and answer.  An edge at or over the threshold holds between all copies of its ends;
    one below it is of two samples of one problem, and holds between these alone.  `same`: pairs of bests with one text, one of them
    without a known answer.  The first `earlier` documents are kept whatever they are.  A document is kept where none that is kept
    before it is its copy: what priority rounds over the graph come to in the end, in one pass over the documents that are anybody's
    copy.  With `turns`, those that a problem has no place for come last.
    """
    like: dict[int, list[tuple[int, float]]] = collections.defaultdict(list)  # between bests
    beside: dict[int, list[tuple[int, float]]] = collections.defaultdict(list)  # of one problem
    for one, other, jaccard in edges:
        neighbours, ends = (
            (like, (copies.get(one, one), copies.get(other, other))) if jaccard >= threshold else (beside, (one, other))
        )
        neighbours[ends[0]].append((ends[1], jaccard))
        neighbours[ends[1]].append((ends[0], jaccard))
    same_text: dict[int, list[int]] = collections.defaultdict(list)
    for one, other in same:
        same_text[one].append(other)
        same_text[other].append(one)
    kept: dict[int, int] = {}  # best of a text → the copy of it that is kept
    alone: set[int] = set()  # those that are kept
    removed: dict[int, Standing] = {}
    for document in _in_turn(sorted({*copies, *copies.values(), *like, *beside, *same_text}), earlier, turns, removed):
        best = copies.get(document, document)
        exact = [kept[other] for other in (best, *sorted(same_text.get(best, ()))) if other in kept]
        near = [(jaccard, -kept[other]) for other, jaccard in like.get(best, ()) if other in kept]
        near += [(jaccard, -other) for other, jaccard in beside.get(document, ()) if other in alone]
        if document < earlier:
            kept.setdefault(best, document)
            alone.add(document)
        elif exact:
            removed[document] = Standing(exact[0], "exact", 1.0)
        elif near:
            jaccard, negative = max(near)
            removed[document] = Standing(-negative, "near", jaccard)
        else:
            kept[best] = document
            alone.add(document)
    return removed


def _in_turn(documents: Sequence[int], earlier: int, turns: Turns | None, removed: Container[int]) -> Iterator[int]:
    """Yield documents in the order in which they are decided; `removed` grows meanwhile.

    First come those that their problems have a place for, the best first, and for each of these that is removed the next of its
    problem, so that no row is turned away for one that is not kept itself; then all others.
    """
    if turns is None:
        yield from documents
        return
    places = _Places(turns)
    queue = [one for one in documents if one < earlier or one in places.given]
    decided = set()
    while queue:
        document = heapq.heappop(queue)
        decided.add(document)
        yield document
        if document in removed and (following := places.next_after(document)) is not None:
            heapq.heappush(queue, following)
    yield from (document for document in documents if document not in decided)


class _Places:
    """The places that problems have for their documents: one for each way, and no more than the quota."""

    def __init__(self, turns: Turns) -> None:
        self._of = turns.of
        self._documents = {(one.problem, one.turn): document for document, one in turns.of.items()}
        self._first = {one.problem: one.ways if turns.quota is None else turns.quota for one in turns.of.values()}
        self._others: dict[int, list[int]] = collections.defaultdict(list)
        self.given = {document for document, one in turns.of.items() if one.turn < min(one.ways, self._first[one.problem])}

    def next_after(self, removed: int) -> int | None:
        """Return the document that gets the place of one that had one and is removed, None where nobody or nobody's copy does.

        First come the first of ways that have no place, then others of the ways of those that were removed.
        """
        problem, _, after, ways = self._of[removed]
        if after >= 0:
            heapq.heappush(self._others[problem], after)
        if self._first[problem] < ways:
            turn = self._first[problem]
            self._first[problem] += 1
        elif self._others[problem]:
            turn = heapq.heappop(self._others[problem])
        else:
            return None
        return self._documents.get((problem, turn))


def verified(one: Profiles, other: Profiles, pairs: Pair, thresholds: Floats) -> tuple[Places, Floats]:
    """Return which pairs of two arrays of profiles are copies, by threshold and numbers, and how alike these are."""
    alike = jaccards(one.shingles, other.shingles, pairs)
    near = np.flatnonzero(alike >= thresholds)
    found = near[numbers_alike(one, other, (pairs[0][near], pairs[1][near]))]
    return found, alike[found]


def answer_keys(answers: Iterable[str | None]) -> U64:
    """Return a key of each answer, compared as it is written but for white space around it; NONE where none is known."""
    return text_keys(None if answer is None else answer.strip() for answer in answers)


def answers_agree(one: U64, other: U64) -> Mask:
    """Return which pairs of answers, as text keys, may be those of copies: equal ones, and all where one is not known."""
    agree: Mask = (one == other) | (one == NONE) | (other == NONE)
    return agree


def unknown_answers(high: U64, low: U64, answers: U64) -> Pair:
    """Return the pairs with one text of which the first has no known answer, given two keys of each text and that of its answer.

    No two have both text and answer in common.
    """
    order = np.argsort(answers != NONE, kind="stable")
    first = order[best_of_each(high[order], low[order])]
    paired = (answers[first] == NONE) & (first != order)
    return first[paired], order[paired]


def best_of_each(*keys: U64) -> Places:
    """Return for each document the first of those with the same keys.  Few should share the first key by chance."""
    best = np.arange(len(keys[0]))
    shared = np.sort(sharing(keys[0]))
    order = shared[np.lexsort([key[shared] for key in keys])]  # stable: of equal ones the first stays first
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = np.logical_or.reduce([key[order][1:] != key[order][:-1] for key in keys])
    best[order] = order[np.flatnonzero(fresh)][np.cumsum(fresh) - 1]
    return best
