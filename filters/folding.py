"""Patterns that say nothing beyond others: "let me" in "let me check", "me check" in it, "wait let me" beside "wait".

A pattern in another one is told by it where what is left of its counts is not significantly uneven; one that holds another,
where its occurrences are divided between the corpora as those of the other are.  Of two that tell each other the longer stays,
and of "let me" beside "let me check" and "let me see" the longer ones where these are all of it.
Two that overlap tell each other where both tell what they share: they are pieces of one phrase that is longer than a pattern.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from filters.log_odds import SIGNIFICANT, tails


class Counted(NamedTuple):
    """A pattern with what is known of it."""

    opener: bool
    words: tuple[str, ...]
    counts: tuple[float, float]
    share: float  # of the first corpus in the words or sentences of both
    dispersion: float


Name = tuple[bool, tuple[str, ...]]  # whether an opener, its words


def folded(found: Sequence[Counted], tested: int) -> dict[int, list[int]]:
    """Return the places of the patterns that stay, each with those that it tells.

    `found` are patterns that are more frequent in one corpus, in the order of their z; `tested` of them were compared.
    """
    folding = _Folding(found, tested)
    kept: dict[int, list[int]] = {}
    for teller, told in folding.told().items():
        one = found[teller]
        holding = [place for place in told if (one.opener, one.words) in parts(found[place].opener, found[place].words)]
        inner = folded([found[place] for place in holding], tested) if len(holding) > 1 else {}
        if folding.is_all_of(one, [found[holding[place]] for place in inner]):
            kept.update({holding[place]: [holding[other] for other in inner[place]] for place in inner})
            kept[holding[next(iter(inner))]] += [teller, *(place for place in told if place not in holding)]
        else:
            kept[teller] = told
    stay = sorted(kept)
    again = _Folding([found[place] for place in stay], tested).told() if len(stay) > len(folding.told()) else {}
    for place, told in again.items():
        kept[stay[place]] += [each for other in told for each in (stay[other], *kept.pop(stay[other]))]
    return kept


class _Folding:
    def __init__(self, found: Sequence[Counted], tested: int) -> None:
        self._found, self._tested = found, tested
        self._names = {(one.opener, one.words): place for place, one in enumerate(found)}
        self._teller: dict[int, int] = {}  # of each pattern that was added, itself where it stays
        self._holders: dict[Name, list[int]] = {}  # of each part, the patterns that were added and hold it
        for place in range(len(found)):
            self._add(place)

    def _root(self, place: int) -> int:
        """Return the pattern that stays for one that was added."""
        while self._teller[place] != place:
            place = self._teller[place]
        return place

    def told(self) -> dict[int, list[int]]:
        """Return the patterns that stay, each with those that it tells."""
        kept: dict[int, list[int]] = {}
        for place in self._teller:
            told = kept.setdefault(self._root(place), [])
            if self._root(place) != place:
                told.append(place)
        return kept

    def is_all_of(self, one: Counted, longer: Sequence[Counted]) -> bool:
        """Return whether several patterns that hold one, and do not overlap, leave nothing of it."""
        apart = all(sum(other.counts[side] for other in longer) <= one.counts[side] for side in (0, 1))
        return len(longer) > 1 and apart and self._rest_is_even(one, *longer)

    def _add(self, place: int) -> None:
        """Decide about a pattern, given those of larger z."""
        one = self._found[place]
        inside = [self._names[part] for part in parts(one.opener, one.words) if self._names.get(part) in self._teller]
        same = dict.fromkeys(self._root(other) for other in inside if not self._differs(one, self._found[other]))
        wider = [other for other in same if other not in inside or not self._rest_is_even(self._found[other], one)]
        teller = next(iter(wider) if same else self._tellers(one), None)
        self._teller[place] = place if teller is None else self._root(teller)
        self._teller.update({other: place for other in same if other not in wider})  # the longer one says the same
        for part in parts(one.opener, one.words):
            self._holders.setdefault(part, []).append(place)

    def _tellers(self, one: Counted) -> Iterator[int]:
        """Yield the patterns that hold one, or share words with it, and tell it."""
        around = self._holders.get((one.opener, one.words), [])
        yield from (other for other in around if self._rest_is_even(one, self._found[other]))
        kept = [self._found[other] for other in around if self._teller[other] == other]
        if kept and self._rest_is_even(one, *kept):
            yield around[0]
        for size in range(len(one.words) - (not one.opener), 0, -1):
            for core in ((False, one.words[-size:]), (False, one.words[:size])):
                shared = self._names.get(core)
                if shared is not None and self._rest_is_even(self._found[shared], one):
                    holders = self._holders.get(core, ())
                    yield from (other for other in holders if self._rest_is_even(self._found[shared], self._found[other]))

    def _differs(self, longer: Counted, shorter: Counted) -> bool:
        """Return whether a pattern is divided otherwise than one that it holds."""
        return self._uneven(longer.counts, shorter.counts[0] / sum(shorter.counts), longer.dispersion)

    def _rest_is_even(self, shorter: Counted, *longer: Counted) -> bool:
        """Return whether what a pattern is outside those that hold it is as frequent in one corpus as in the other."""
        first, second = (max(count - sum(one.counts[side] for one in longer), 0) for side, count in enumerate(shorter.counts))
        return not self._uneven((first, second), shorter.share, shorter.dispersion)

    def _uneven(self, counts: tuple[float, float], share: float, dispersion: float) -> bool:
        first, second = (np.array([count / dispersion]) for count in counts)
        return bool(tails(first, second, np.array([share]))[0] * self._tested <= SIGNIFICANT)


def parts(opener: bool, words: tuple[str, ...]) -> Iterator[Name]:
    """Yield the patterns within a pattern, the longest first; an opener holds the same words anywhere."""
    for size in range(len(words), 0, -1):
        for first in range(len(words) - size + 1):
            if opener and first == 0 and size < len(words):
                yield True, words[:size]
            if opener or size < len(words):
                yield False, words[first : first + size]
