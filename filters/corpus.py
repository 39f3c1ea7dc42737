"""Copies in anyone's rows, in one process, without their texts: 0.7 kB a row, and a second look at those that may be copies."""

import collections
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from filters.bands import NONE, Bands, Counts, Pairs, band_keys, bands_for, candidate_pairs, distinct, pairs_within
from filters.duplicates import (
    Places,
    Standing,
    answer_keys,
    answers_agree,
    best_of_each,
    resolve,
    text_keys,
    unknown_answers,
    verified,
)
from filters.fingerprints import fingerprints
from filters.shingles import U8, U64, Ragged
from filters.signatures import PERMUTATIONS, Signatures, signatures
from filters.similarity import Floats, Profiles, may_match, profiles, sketches
from schemas.annotation import Duplicate
from schemas.recipe import Dedupe

DEDUPE = Dedupe()
PIECE_ROWS = 8192  # 4 MiB of signatures
READ_CHARACTERS = 1 << 22  # of texts that are read for the second time, at once


class Row(NamedTuple):
    """A row of anyone's file."""

    id: str
    text: str
    group: str | None = None  # the problem: two rows of a group are compared whatever their bands say, by a threshold of their own
    answer: str | None = None  # rows with different answers are no copies; None is not compared
    quality: float = 0.0  # the higher is kept


class _Columns(NamedTuple):
    """What is kept of rows, one entry a row."""

    fingerprints: U64  # (rows, 2)
    groups: U64
    answers: U64
    earlier: Places  # 0 for rows of earlier corpora, which are kept anyway, else 1
    qualities: Floats
    lengths: Places  # code points
    ids: U64


class _Signed:
    """The signatures of all rows, in pieces as they came: in one array they would be copied, and be twice as many for a while."""

    def __init__(self) -> None:
        self.pieces: list[Signatures] = [np.zeros((0, PERMUTATIONS), dtype=np.uint32)]

    def add(self, signed: Signatures) -> None:
        self.pieces += [signed[first : first + PIECE_ROWS] for first in range(0, len(signed), PIECE_ROWS)]

    def keys(self, bands: Bands, band: int) -> U64:
        """Return the key of one band of each row."""
        return np.concatenate([band_keys(piece, bands, band) for piece in self.pieces])

    def sketches(self) -> U8:
        """Return the sketch of each row."""
        return np.concatenate([sketches(piece) for piece in self.pieces])

    def rows(self, rows: Places) -> Signatures:
        """Return the signatures of some rows."""
        firsts = np.cumsum([0, *map(len, self.pieces)])
        pieces = np.searchsorted(firsts, rows, side="right") - 1
        found = [self.pieces[piece][row - firsts[piece]] for row, piece in zip(rows.tolist(), pieces.tolist(), strict=True)]
        return np.array(found, dtype=np.uint32).reshape(-1, PERMUTATIONS)


class Corpus:
    """Rows to compare: they are added, then compared.  Repeated ids are the caller's to find.

    Of two copies the one of higher quality is kept, then one with a known answer, then the shorter, then by a hash of the id.
    """

    def __init__(self, threshold: float = DEDUPE.threshold, within: float = DEDUPE.within) -> None:
        self.threshold, self.within = threshold, within
        self.counts: Counts = collections.Counter()
        self._parts: list[_Columns] = []
        self._signed = _Signed()

    def add(self, rows: Sequence[Row], earlier: bool = False) -> None:
        """Take in rows; their numbers go on from those before."""
        texts = [row.text for row in rows]
        self._signed.add(signatures(texts))
        self._parts.append(
            _Columns(
                fingerprints=np.frombuffer(b"".join(fingerprints(texts)), dtype=np.uint64).reshape(-1, 2),
                groups=text_keys(row.group for row in rows),
                answers=answer_keys(row.answer for row in rows),
                earlier=np.full(len(rows), 0 if earlier else 1),
                qualities=np.array([row.quality for row in rows], dtype=np.float64),
                lengths=np.array([len(text) for text in texts], dtype=np.int64),
                ids=text_keys(row.id for row in rows),
            )
        )

    def compare(self, read: Callable[[Places], Iterable[str]]) -> dict[int, Standing]:
        """Return who stands for each row that is not kept, by numbers.  `read` gives the texts of some rows, in their order."""
        if not self._parts:
            return {}
        columns = _Columns(*(np.concatenate(column) for column in zip(*self._parts, strict=True)))
        signed, self._parts, self._signed = self._signed, [], _Signed()
        keys = (columns.ids, columns.lengths, columns.answers == NONE, -columns.qualities, columns.earlier)
        order = np.lexsort(keys)  # row of each document, the better first
        earlier = int(np.count_nonzero(columns.earlier == 0))
        texts = (columns.fingerprints[order, 0], columns.fingerprints[order, 1], columns.answers[order])
        best, of_group = best_of_each(*texts), best_of_each(*texts, columns.groups[order])
        pairs, thresholds = self._candidates(signed, columns, order, best, of_group, earlier)
        bests = np.flatnonzero(best == np.arange(len(order)))
        same = bests[np.stack(unknown_answers(*(key[bests] for key in texts)), axis=1)].tolist()
        del columns, signed
        rows = order[pairs.astype(np.int64)]
        near = np.argsort(rows[:, 0])  # one end of the pairs from the first text to the last: half as many cache misses
        pairs, thresholds, rows = pairs[near], thresholds[near], rows[near]
        looked_at = np.zeros(len(order), dtype=np.bool_)
        looked_at[rows] = True
        seen = self._read(read(np.flatnonzero(looked_at)))
        places = np.cumsum(looked_at) - 1
        alike, similar = verified(seen, seen, (places[rows[:, 0]], places[rows[:, 1]]), thresholds)
        self.counts.update(pairs_compared=len(pairs), pairs_alike=len(alike))
        edges = zip(*pairs[alike].T.tolist(), similar.tolist(), strict=True)
        alone = np.flatnonzero((of_group == np.arange(len(order))) | (np.arange(len(order)) < earlier))
        copies = {document: int(best[document]) for document in alone[best[alone] != alone].tolist()}
        found = resolve(copies, edges, self.threshold, same, earlier)
        for document in np.flatnonzero(of_group != np.arange(len(order))).tolist():
            if document >= earlier:
                found[document] = found.get(int(of_group[document])) or Standing(int(of_group[document]), "exact", 1.0)
        return {int(order[document]): one._replace(kept=int(order[one.kept])) for document, one in found.items()}

    def _candidates(
        self, signed: _Signed, columns: _Columns, order: Places, best: Places, best_of_group: Places, earlier: int
    ) -> tuple[Pairs, Floats]:
        """Return the pairs of documents that may be copies, each with its threshold."""
        documents = np.arange(len(order))
        apart = documents[best == documents]
        answers = columns.answers[order]
        bands, found = bands_for(self.threshold), []
        for band in range(bands.number):
            keys = signed.keys(bands, band)[order[apart]]
            found.append(candidate_pairs(keys, apart.astype(np.uint64), self.counts, answers=answers[apart]))
        groups = columns.groups[order]
        grouped = documents[(best_of_group == documents) & (groups != NONE)]
        some = order[grouped]
        numbers, keys = grouped.astype(np.uint64), (groups[grouped], answers[grouped])
        found.append(pairs_within(keys[0], lambda places: signed.rows(some[places]), numbers, keys[1], self.within, self.counts))
        pairs = distinct(np.concatenate(found))
        self.counts["pairs_candidate"] += len(pairs)
        pairs = pairs[pairs[:, 1] >= earlier]
        one, other = order[pairs[:, 0].astype(np.int64)], order[pairs[:, 1].astype(np.int64)]
        fits = answers_agree(columns.answers[one], columns.answers[other])
        same = (columns.groups[one] == columns.groups[other]) & (columns.groups[one] != NONE)
        sketched = signed.sketches()
        for kind, threshold in ((same, self.within), (~same, self.threshold)):
            fits[kind] &= may_match(sketched, sketched, (one[kind], other[kind]), threshold)
        return pairs[fits], np.where(same, self.within, self.threshold)[fits]

    def _read(self, texts: Iterable[str]) -> Profiles:
        found = [_Growing() for _ in Profiles._fields]
        for batch in _by_size(texts):
            for growing, part in zip(found, profiles(batch), strict=True):
                growing.add(part)
        return Profiles(*(growing.whole() for growing in found))


class _Growing:
    """Values of documents, batch after batch, in an array that grows where it is: joined, they would be there twice for a while."""

    def __init__(self) -> None:
        self._values: U64 = np.zeros(0, dtype=np.uint64)
        self._size = 0
        self._sizes: list[Places] = []

    def add(self, found: Ragged) -> None:
        end = self._size + len(found.values)
        if end > len(self._values):
            self._values.resize(max(end, len(self._values) * 5 // 4), refcheck=False)
        self._values[self._size : end] = found.values
        self._size = end
        self._sizes.append(np.diff(found.offsets))

    def whole(self) -> Ragged:
        """Return all of it."""
        return Ragged(self._values[: self._size], np.cumsum(np.concatenate([[0], *self._sizes])))


def _by_size(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        batch.append(text)
        characters += len(text)
        if characters >= READ_CHARACTERS:
            yield batch
            batch, characters = [], 0
    yield batch


def find(rows: Sequence[Row], threshold: float = DEDUPE.threshold, within: float | None = None) -> list[Duplicate | None]:
    """Return for each of some rows who stands for it, None where it is kept."""
    corpus = Corpus(threshold, min(DEDUPE.within, threshold) if within is None else within)
    corpus.add(rows)
    found = corpus.compare(lambda wanted: (rows[number].text for number in wanted.tolist()))
    return [(one := found.get(place)) and Duplicate(one.kind, rows[one.kept].id, one.jaccard) for place in range(len(rows))]
