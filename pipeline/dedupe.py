"""Copies between workers: packed arrays of keys and places go between them, and of likely copies hashed shingles.

slice ─▶ order, compare within problems ─▶ fingerprints meet ─▶ bands meet ─▶ sketches ─▶ shingles ─▶ edges ─▶ who stands for whom
"""

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt

from filters.bands import (
    BUCKET_ALL_PAIRS,
    NONE,
    PROBLEM_ALL_PAIRS,
    Bands,
    Counts,
    Pairs,
    band_keys,
    bands_for,
    candidate_pairs,
    distinct,
    pairs_within,
)
from filters.duplicates import Places, Turn, Turns, answers_agree, resolve, unknown_answers, verified
from filters.shingles import U64
from filters.signatures import PERMUTATIONS
from filters.similarity import Profiles, may_match, profiles, sketches
from pipeline.packing import by_number, packed, runs, taken, unpacked
from pipeline.progress import Reporter
from pipeline.slices import NODE, PLACE_BITS, Compared, Nodes, PlaceStanding, Slices, id_of, places_of, slices_of, texts_of
from schemas.annotation import Duplicate

PRINT = np.dtype([("high", "<u8"), ("low", "<u8"), ("answer", "<u8"), ("node", NODE)])
COPY = np.dtype([("copy", NODE), ("best", NODE)])
EDGE = np.dtype([("one", NODE), ("other", NODE), ("jaccard", "<f8")])
U32 = np.uint32

Packed = npt.NDArray[np.void]
BUCKETS = 16  # groups that keys meet in, at the least: more spread them over more workers
SLICES_A_BUCKET = 16  # a slice of 15,000 rows brings 3.6 MB of band keys, so that a bucket holds some 60 MB


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What every step knows; picklable."""

    slices: Slices
    threshold: float
    within: float
    reporter: Reporter

    @property
    def bands(self) -> Bands:
        """How signatures are cut."""
        return bands_for(self.threshold)

    @property
    def buckets(self) -> int:
        """Groups that keys meet in."""
        return max(BUCKETS, self.slices.count // SLICES_A_BUCKET)


@dataclasses.dataclass
class _Step(beam.DoFn):
    """One step of the comparison.  Beside its main output it may yield counts, edges and copies, packed."""

    comparison: Comparison

    @property
    def slices(self) -> Slices:
        return self.comparison.slices


class _Order(_Step):
    """slice → (bucket, fingerprints); edges within problems.  Writes what later steps read of the slice."""

    def process(self, slice_number: int) -> Iterator[Any]:
        slices, counts = self.slices, _counts()
        if slice_number < slices.run.partitions:
            compared, table = slices.write(slice_number)
            nodes = compared.nodes(slice_number, compared.bests)
            yield from _said(edges=self._within(slice_number, compared, table, counts), counts=counts)
        else:
            compared = slices.compared(slice_number)
            nodes = compared.nodes(slice_number, compared.bests)
        prints = np.empty(len(nodes), dtype=PRINT)
        prints["node"] = nodes
        for name, column in (("high", compared.print_high), ("low", compared.print_low), ("answer", compared.answer)):
            prints[name] = column[compared.bests]
        yield from by_number(prints["high"] % np.uint64(self.comparison.buckets), prints)

    def _within(self, slice_number: int, compared: Compared, table: Any, counts: Counts) -> Packed:
        """Return the edges between rows of one problem; all of them are in the slice."""
        bests, threshold = compared.bests, self.comparison.within
        rows = compared.row[bests]
        signed = self.slices.signatures(slice_number, rows)
        numbers = np.arange(len(bests), dtype=np.uint64)
        keys = (compared.problem[bests], compared.answer[bests])
        found = pairs_within(keys[0], lambda places: signed[places], numbers, keys[1], threshold, counts)
        pairs = found.astype(np.int64)
        sketched = sketches(signed)
        fits = answers_agree(*(compared.answer[bests[pairs[:, end]]] for end in (0, 1)))
        fits &= may_match(sketched, sketched, (pairs[:, 0], pairs[:, 1]), threshold)
        pairs = pairs[fits]
        wanted, places = np.unique(pairs, return_inverse=True)
        seen = profiles(texts_of(table.take(rows[wanted])))
        one, other = places.reshape(-1, 2).T
        return _edges(
            compared.nodes(slice_number, bests[pairs[:, 0]]),
            compared.nodes(slice_number, bests[pairs[:, 1]]),
            seen,
            seen,
            (one, other),
            np.full(len(pairs), threshold),
            counts,
        )


class _MeetPrints(_Step):
    """(bucket, fingerprints) → (slice, places that are copies of a row elsewhere); copies, each with the best; same texts."""

    def process(self, bucket: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        prints = np.frombuffer(b"".join(bucket[1]), dtype=PRINT)
        nodes = prints["node"]
        keys = (nodes["number"], nodes["low"], nodes["high"], nodes["first"], prints["answer"], prints["low"], prints["high"])
        prints = prints[np.lexsort(keys)]
        fresh = np.ones(len(prints), dtype=np.bool_)
        fresh[1:] = np.logical_or.reduce([prints[name][1:] != prints[name][:-1] for name in ("high", "low", "answer")])
        best = np.flatnonzero(fresh)[np.cumsum(fresh) - 1]
        copies = np.empty(int((~fresh).sum()), dtype=COPY)
        copies["copy"], copies["best"] = prints["node"][~fresh], prints["node"][best[~fresh]]
        bests = prints[fresh]
        same = unknown_answers(bests["high"], bests["low"], bests["answer"])
        yield from _said(copies=copies, same=np.stack([bests["node"][places] for places in same], axis=1))
        numbers = copies["copy"]["number"]
        yield from by_number(slices_of(numbers), places_of(numbers).astype(U32))


class _Band(_Step):
    """(slice, its copies of rows elsewhere) → (bucket, keys and places): of bands; of problems, if there are earlier releases."""

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]]) -> Iterator[Any]:
        slice_number, found = element
        compared = self.slices.compared(slice_number)
        places = np.setdiff1d(compared.bests, np.frombuffer(b"".join(found["copies"]), dtype=U32))
        signed = self.slices.signatures(slice_number, compared.row[places])
        bands = self.comparison.bands
        keys = np.concatenate([np.zeros(0, np.uint64), *(band_keys(signed, bands, band) for band in range(bands.number))])
        yield from self._sent(slice_number, keys, np.tile(places, bands.number), compared, BUCKET_ALL_PAIRS)
        if self.slices.earlier:  # their rows of a problem are not where the run's are
            bests = compared.bests
            yield from self._sent(slice_number, compared.problem[bests], bests, compared, PROBLEM_ALL_PAIRS)

    def _sent(self, slice_number: int, keys: U64, places: Places, compared: Compared, most: int) -> Iterator[Any]:
        buckets = keys % np.uint64(self.comparison.buckets)
        order = np.argsort(buckets, kind="stable")
        for bucket, part in runs(buckets[order]):
            here = places[order[part]]
            arrays = (keys[order[part]], here.astype(U32), _marks(compared.answer[here]))
            yield bucket, (slice_number, *(array.tobytes() for array in arrays), most)


class _MeetBands(_Step):
    """(bucket, keys and places) → (slice, pairs that share a key), at the slice of their first."""

    def process(self, bucket: tuple[int, Iterable[tuple[int, bytes, bytes, bytes, int]]]) -> Iterator[Any]:
        counts, parts, found = _counts(), list(bucket[1]), []
        for most in (BUCKET_ALL_PAIRS, PROBLEM_ALL_PAIRS):
            of_kind = [part for part in parts if part[4] == most]
            keys = np.frombuffer(b"".join(part[1] for part in of_kind), dtype=np.uint64)
            marks = np.frombuffer(b"".join(part[3] for part in of_kind), dtype=np.uint16)
            numbers = [np.zeros(0, np.uint64), *(_numbers(part[0], part[2]) for part in of_kind)]
            found.append(candidate_pairs(keys, np.concatenate(numbers), counts, most, marks if most == BUCKET_ALL_PAIRS else None))
        pairs = distinct(np.concatenate(found))
        slices = slices_of(pairs)
        new = ~self.slices.is_earlier(slices).all(axis=1)
        yield from _said(counts=counts)
        yield from by_number(slices[new, 0], pairs[new])


class _Sketch(_Step):
    """(slice, pairs) → (slice of the other, pairs with the sketch of the first)."""

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        slice_number, found = element
        pairs: Pairs = distinct(np.frombuffer(b"".join(found), dtype=np.uint64).reshape(-1, 2))
        yield from _said(counts=_counts(pairs_candidate=len(pairs)))
        compared = self.slices.compared(slice_number)
        places, index = np.unique(places_of(pairs[:, 0]), return_inverse=True)
        sketched = sketches(self.slices.signatures(slice_number, compared.row[places]))
        others = slices_of(pairs[:, 1])
        order = np.argsort(others, kind="stable")
        for other, part in runs(others[order]):
            used, within = np.unique(index[order[part]], return_inverse=True)
            mine = places[used]
            keys = (compared.answer[mine].tobytes(), compared.problem[mine].tobytes(), sketched[used].tobytes())
            partners = places_of(pairs[order[part], 1]).astype(U32)
            yield other, (slice_number, mine.astype(U32).tobytes(), *keys, within.astype(U32).tobytes(), partners.tobytes())


class _Gate(_Step):
    """(slice, pairs with the sketches of the first) → (slice of the first, pairs that may be copies)."""

    def process(self, element: tuple[int, Iterable[tuple[Any, ...]]]) -> Iterator[Any]:
        slice_number, offers = element
        compared = self.slices.compared(slice_number)
        sketched = sketches(self.slices.signatures(slice_number, compared.row))
        for other, *sent in offers:
            theirs, within, mine = (np.frombuffer(sent[place], dtype=U32) for place in (0, 4, 5))
            answers, problems = (np.frombuffer(sent[place], dtype=np.uint64)[within] for place in (1, 2))
            same = problems == compared.problem[mine]
            fits = answers_agree(answers, compared.answer[mine])
            fits &= ~(same & (other == slice_number))  # compared already, where both are of this run
            their_sketches = np.frombuffer(sent[3], dtype=np.uint8).reshape(-1, PERMUTATIONS)
            for kind, threshold in ((same, self.comparison.within), (~same, self.comparison.threshold)):
                fits[kind] &= may_match(their_sketches, sketched, (within[kind], mine[kind]), threshold)
            if fits.any():
                yield other, (slice_number, theirs[within[fits]].tobytes(), mine[fits].tobytes())


class _Tell(_Step):
    """(slice, pairs that may be copies) → (slice of the other, pairs with what the first is compared by)."""

    def process(self, element: tuple[int, Iterable[tuple[int, bytes, bytes]]]) -> Iterator[Any]:
        slice_number, requests = element[0], list(element[1])
        compared = self.slices.compared(slice_number)
        places = np.unique(np.frombuffer(b"".join(one[1] for one in requests), dtype=U32))
        seen = profiles(self.slices.texts(slice_number, compared.row[places]))
        for other, mine, theirs in requests:
            used, index = np.unique(np.frombuffer(mine, dtype=U32), return_inverse=True)
            chosen = np.searchsorted(places, used)
            sets = [packed(taken(one, chosen)) for one in seen]
            nodes, problems = compared.nodes(slice_number, used), compared.problem[used]
            yield other, (nodes.tobytes(), problems.tobytes(), *sets, index.astype(U32).tobytes(), theirs)


class _Compare(_Step):
    """(slice, pairs with what the first is compared by) → edges, exact."""

    def process(self, element: tuple[int, Iterable[tuple[Any, ...]]]) -> Iterator[Any]:
        slice_number, offers = element[0], list(element[1])
        counts = _counts()
        compared = self.slices.compared(slice_number)
        places = np.unique(np.frombuffer(b"".join(one[-1] for one in offers), dtype=U32))
        seen = profiles(self.slices.texts(slice_number, compared.row[places]))
        for packed_nodes, packed_problems, *sets, index, mine in offers:
            theirs, partners = np.frombuffer(index, dtype=U32).astype(np.int64), np.frombuffer(mine, dtype=U32)
            nodes = np.frombuffer(packed_nodes, dtype=NODE)[theirs]
            same = np.frombuffer(packed_problems, dtype=np.uint64)[theirs] == compared.problem[partners]
            thresholds = np.where(same, self.comparison.within, self.comparison.threshold)
            pairs = (theirs, np.searchsorted(places, partners))
            told = Profiles(*(unpacked(*one) for one in sets))
            edges = _edges(nodes, compared.nodes(slice_number, partners), told, seen, pairs, thresholds, counts)
            yield from _said(edges=edges)
        yield from _said(counts=counts)


class _Resolve(_Step):
    """(nothing; all copies and edges) → (partition, who stands for its rows, by places)."""

    def process(self, _: None, copies: Sequence[bytes], same: Sequence[bytes], edges: Sequence[bytes]) -> Iterator[Any]:
        links = np.frombuffer(b"".join(copies), dtype=COPY)
        same_texts = np.frombuffer(b"".join(same), dtype=NODE)
        alike = np.frombuffer(b"".join(edges), dtype=EDGE)
        nodes = np.concatenate([links["copy"], links["best"], same_texts, alike["one"], alike["other"]])
        nodes = nodes[np.unique(nodes["number"], return_index=True)[1]]
        nodes = nodes[np.lexsort((nodes["number"], nodes["low"], nodes["high"], nodes["first"]))]
        order = np.argsort(nodes["number"])

        def ranks(ends: Nodes) -> list[int]:
            return order[np.searchsorted(nodes["number"], ends["number"], sorter=order)].tolist()  # type: ignore[no-any-return]

        pairs = zip(ranks(alike["one"]), ranks(alike["other"]), alike["jaccard"].tolist(), strict=True)
        found = resolve(
            dict(zip(ranks(links["copy"]), ranks(links["best"]), strict=True)),
            pairs,
            self.comparison.threshold,
            zip(ranks(same_texts[0::2]), ranks(same_texts[1::2]), strict=True),
            int(np.count_nonzero(nodes["first"] == 0)),
            self._turns(nodes),
        )
        by_slice: dict[int, list[PlaceStanding]] = collections.defaultdict(list)
        numbers = nodes["number"]
        for rank, standing in sorted(found.items()):
            place, slice_number = int(numbers[rank] >> PLACE_BITS), int(numbers[rank] & np.uint64(0xFFFFFFFF))
            duplicate = Duplicate(standing.kind, id_of(nodes[standing.kept]), standing.jaccard)
            by_slice[slice_number].append(PlaceStanding(place, duplicate))
        self.comparison.reporter.add("dedupe", partitions=self.slices.run.partitions, rows=len(found))
        yield from by_slice.items()

    def _turns(self, nodes: Nodes) -> Turns | None:
        select = self.slices.select
        if select.max_per_problem is None and select.distinct is None:
            return None
        may_be_kept = np.flatnonzero(nodes["turn"] >= 0)
        columns = (nodes[name][may_be_kept].tolist() for name in Turn._fields)
        return Turns(select.max_per_problem, dict(zip(may_be_kept.tolist(), map(Turn, *columns), strict=True)))


def _counts(**counts: int) -> Counts:
    return collections.Counter(counts)


def _said(**outputs: Any) -> Iterator[beam.pvalue.TaggedOutput]:
    """Yield what there is of a step's side outputs."""
    for name, value in outputs.items():
        if len(value):
            yield beam.pvalue.TaggedOutput(name, value.tobytes() if isinstance(value, np.ndarray) else dict(value))


def _marks(answers: U64) -> npt.NDArray[np.uint16]:
    """Return two bytes of each answer's key, which tell all but a few apart; NONE is that of no answer alone."""
    return np.where(answers == NONE, NONE, answers % np.uint64(0xFFFF) + np.uint64(1)).astype(np.uint16)


def _numbers(slice_number: int, places: bytes) -> U64:
    return np.frombuffer(places, dtype=U32).astype(np.uint64) << PLACE_BITS | np.uint64(slice_number)


def _edges(
    first: Nodes,
    second: Nodes,
    one: Profiles,
    other: Profiles,
    pairs: tuple[Any, Any],
    thresholds: npt.NDArray[Any],
    counts: Counts,
) -> Packed:
    alike, similar = verified(one, other, pairs, thresholds)
    counts.update(pairs_compared=len(thresholds), pairs_alike=len(alike))
    edges = np.empty(len(alike), dtype=EDGE)
    edges["one"], edges["other"], edges["jaccard"] = first[alike], second[alike], similar
    return edges


@dataclasses.dataclass
class FindDuplicates(beam.PTransform):
    """PCollection[partition] → `standings`: (partition, who stands for its rows); `counts`: what was compared."""

    comparison: Comparison

    def expand(self, partitions: beam.PCollection) -> Any:
        p, step = partitions.pipeline, self.comparison
        earlier = p | "Earlier releases" >> beam.Create(range(step.slices.run.partitions, step.slices.count))
        slices = (partitions, earlier) | "All slices" >> beam.Flatten()
        prints = slices | "Order, compare within problems" >> _outputs(_Order(step), "edges", "counts")
        exact = prints.main | "Equal fingerprints" >> beam.GroupByKey() | "Copies" >> _outputs(_MeetPrints(step), "copies", "same")
        banded = (
            {"slice": slices | "Every slice" >> beam.Map(lambda number: (number, None)), "copies": exact.main}
            | "Slices and their copies" >> beam.CoGroupByKey()
            | "Band" >> beam.ParDo(_Band(step))
        )
        pairs = banded | "Equal bands" >> beam.GroupByKey() | "Candidates" >> _outputs(_MeetBands(step), "counts")
        sketched = pairs.main | "By the first" >> beam.GroupByKey() | "Sketch" >> _outputs(_Sketch(step), "counts")
        likely = sketched.main | "By the other" >> beam.GroupByKey() | "Estimate" >> beam.ParDo(_Gate(step))
        told = likely | "Back to the first" >> beam.GroupByKey() | "Hash its text" >> beam.ParDo(_Tell(step))
        alike = told | "To the other" >> beam.GroupByKey() | "Compare exactly" >> _outputs(_Compare(step), "edges", "counts")
        edges = (prints.edges, alike.edges) | "All edges" >> beam.Flatten()
        standings = (
            p
            | "Once" >> beam.Create([None])
            | "Choose" >> beam.ParDo(_Resolve(step), *map(beam.pvalue.AsList, (exact.copies, exact.same, edges)))
        )
        counts = (prints.counts, pairs.counts, sketched.counts, alike.counts) | "All counts" >> beam.Flatten()
        return {"standings": standings, "counts": counts}


def _outputs(step: _Step, *names: str) -> Any:
    return beam.ParDo(step).with_outputs(*names, main="main")
