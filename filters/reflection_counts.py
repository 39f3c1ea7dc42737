"""Counts of what chains' reflections do: whole numbers alone, so that partitions add up to the same in any order.

Shares are counted in millionths.  Memory does not grow with the rows: lengths, difficulties and groups of problems are bands.
"""

import collections
import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from filters.stratified import GROUPS
from schemas.annotation import LABELS, Course, Granularity, Reflection, Status

MILLION = 1_000_000
TENTHS = 10  # of a chain, by where a reflection begins
FIFTHS = 5  # of a pass rate: five classes of a confounder leave about a tenth of its bias (Cochran 1968, Biometrics 24, page 295)
SUBJECTS = 64  # classes of subjects, by their hash: names come from outside, and there may be any number

Key = tuple[str | int, ...]
MEANS = ("first_right", "settled", "overthinking", "underthinking", "loops")  # shares of a course
SUMS = ("answers", "changes", "thoughts", "superficial")  # counts of a course


class Chain(NamedTuple):
    """What of an annotated row is counted."""

    problem_id: str
    teacher: str
    subject: str | None
    status: Status
    is_try: bool  # at the plain prompt: its teacher was not told the answer
    length: int  # in code points
    reflections: Sequence[Reflection]
    course: Course
    granularity: Granularity
    approaches: Sequence[str]


class Cell(NamedTuple):
    """Tries that are compared with each other, of one of the groups of problems."""

    teacher: str
    length: int
    difficulty: int  # fifth of the pass rate of the problem's other tries; below 0 a class of subjects where there are none
    group: int


@dataclasses.dataclass
class Counts:
    """What partitions add up."""

    by_key: "collections.Counter[Key]" = dataclasses.field(default_factory=collections.Counter)
    cells: dict[Cell, tuple[int, ...]] = dataclasses.field(default_factory=dict)  # tries, right ones; so of those with each label

    def add(self, other: "Counts") -> None:
        """Add what another part counted."""
        self.by_key.update(other.by_key)
        for cell, counts in other.cells.items():
            self._add(cell, counts)

    def count_try(self, cell: Cell, correct: bool, labels: Iterable[str]) -> None:
        """Count one try."""
        found = set(labels)
        has = (1, *(int(label in found) for label in LABELS))
        self._add(cell, [number for one in has for number in (one, one * correct)])

    def _add(self, cell: Cell, counts: Sequence[int]) -> None:
        here = self.cells.get(cell)
        self.cells[cell] = tuple(counts) if here is None else tuple(map(sum, zip(here, counts, strict=True)))


def added(parts: Iterable[Counts]) -> Counts:
    """Return what all parts counted."""
    every = Counts()
    for part in parts:
        every.add(part)
    return every


def count(chains: Sequence[Chain]) -> Counts:
    """Return the counts of some problems' chains; all those of a problem must be there."""
    counts = Counts()
    alike: dict[tuple[str, str, int], list[Chain]] = {}
    for chain, difficulty in zip(chains, _difficulties(chains), strict=True):
        of_chain = list(_of_chain(chain))
        for whose in (("all",), ("teacher", chain.teacher)):
            for key, amount in of_chain:
                counts.by_key[*whose, *key] += amount
        tokens, length = chain.granularity.tokens, chain.granularity.tokens.bit_length()
        band: collections.Counter[Key] = collections.Counter({("chains",): 1, ("tokens",): tokens, ("verdicts", chain.status): 1})
        band["reflections",] = len(chain.reflections)
        for name in ("overthinking", "underthinking"):
            band.update(dict(_mean(name, getattr(chain.course, name))))
        counts.by_key.update({("length", length, *key): amount for key, amount in band.items()})
        for one in chain.reflections:
            counts.by_key["position", one.label, min(TENTHS * one.start // max(chain.length, 1), TENTHS - 1)] += 1
        if difficulty is None:
            continue
        correct = chain.status == "correct"
        tried: collections.Counter[Key] = collections.Counter({("chains",): 1, ("tokens",): tokens})
        tried.update(("labels", one.label) for one in chain.reflections)
        counts.by_key.update({("difficulty", max(difficulty, -1), int(correct), *key): n for key, n in tried.items()})
        cell = Cell(chain.teacher, length, difficulty, _hashed(chain.problem_id, GROUPS))
        counts.count_try(cell, correct, (one.label for one in chain.reflections))
        alike.setdefault((chain.problem_id, chain.teacher, length), []).append(chain)
    for (problem, _, _), tries in alike.items():
        counts.by_key.update(_compared(tries, _hashed(problem, GROUPS)))
    return counts


def _compared(tries: Sequence[Chain], group: int) -> "collections.Counter[Key]":
    """Return what tries of one teacher and length at one problem add to the Mantel-Haenszel sums, times their number."""
    found: collections.Counter[Key] = collections.Counter()
    number, right = len(tries), sum(one.status == "correct" for one in tries)
    labels = [{one.label for one in chain.reflections} for chain in tries]
    for label in set().union(*labels):
        with_it = sum(label in one for one in labels)
        right_with = sum(label in one and chain.status == "correct" for one, chain in zip(labels, tries, strict=True))
        without = number - with_it
        if without:
            key: Key = ("problem", label, group, number)
            found[*key, "gain"] = right_with * without - (right - right_with) * with_it
            found[*key, "weight"] = with_it * without
            found[*key, "strata"] = 1
    return found


def _of_chain(chain: Chain) -> Iterator[tuple[Key, int]]:
    yield ("chains",), 1
    yield ("tokens",), chain.granularity.tokens
    yield ("verdicts", chain.status), 1
    for one in chain.reflections:
        yield ("labels", one.label, "reflections"), 1
        yield ("labels", one.label, "effects", one.effect or "unknown"), 1
    for label in dict.fromkeys(one.label for one in chain.reflections):
        yield ("labels", label, "chains"), 1
    for name in SUMS:
        yield (name, "sum"), getattr(chain.course, name)
    for name in MEANS:
        yield from _mean(name, getattr(chain.course, name))
    for name in ("skipped", "expansion"):
        yield from _mean(name, getattr(chain.granularity, name))
    for language, share in chain.granularity.languages:
        yield ("languages", language), round(share * MILLION)
    for approach in chain.approaches:
        yield ("approaches", approach), 1


def _mean(name: str, value: float | None) -> Iterator[tuple[Key, int]]:
    if value is not None:
        yield (name, "chains"), 1
        yield (name, "sum"), round(value * MILLION)


def _difficulties(chains: Sequence[Chain]) -> Iterator[int | None]:
    """Yield each try's difficulty, None for a chain that is no try or was not judged.

    The try itself does not count: a class that its own outcome decides would have no difference in it.
    """
    tries: collections.Counter[str] = collections.Counter()
    right: collections.Counter[str] = collections.Counter()
    judged = [chain.is_try and chain.status in ("correct", "incorrect") for chain in chains]
    for chain, is_judged in zip(chains, judged, strict=True):
        tries[chain.problem_id] += is_judged
        right[chain.problem_id] += is_judged and chain.status == "correct"
    for chain, is_judged in zip(chains, judged, strict=True):
        others = tries[chain.problem_id] - 1
        if not is_judged:
            yield None
        elif others:
            yield min(FIFTHS * (right[chain.problem_id] - (chain.status == "correct")) // others, FIFTHS - 1)
        else:
            yield -1 if chain.subject is None else -2 - _hashed(chain.subject, SUBJECTS)


def _hashed(text: str, classes: int) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"statistics").digest()
    return int.from_bytes(digest, "big") % classes
