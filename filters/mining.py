"""Patterns that are more frequent in one corpus of chains than in another: how new markers are found.

Corpora are read three times, in batches, and nothing grows with them: to bound what is worth counting, to count it, and to see it
in its texts.  `filters/patterns.py` says what a pattern is, `log_odds.py` what makes it significant.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from filters.folding import Counted, folded
from filters.log_odds import SIGNIFICANT, Odds, comparable, least_count, odds
from filters.pattern_rules import Rule, excerpt, finder, rule
from filters.patterns import KINDS, OPENERS, Batch, kind_of, parts_of, patterns, shown, without_document
from filters.shingles import I64, U64
from filters.tallies import Counter, Sketch, Tally, Totals, totals

MOST_FOUND = 2000  # in each direction that are looked up in the texts, those of the largest z
EXAMPLES = 3  # of each pattern

Read = Callable[[], Iterable[Sequence[str]]]  # reads a corpus from its beginning, batch by batch


@dataclasses.dataclass(frozen=True)
class Finding:
    """A pattern that is more frequent in one corpus; `log_odds` and `z` are negative where that is the other one."""

    pattern: str
    kind: str  # ngram, opener
    language: str
    count: int
    documents: int
    count_against: int
    documents_against: int
    log_odds: float
    z: float
    p_adjusted: float
    examples: tuple[str, ...]  # of the corpus where it is frequent
    tells: tuple[str, ...]  # patterns that say nothing beyond this one
    words: tuple[str, ...]


class Mined(NamedTuple):
    """What a comparison found, the largest z first."""

    findings: tuple[Finding, ...]
    documents: tuple[int, int]
    units: tuple[tuple[int, ...], tuple[int, ...]]  # words of a language or sentences, by kind
    tested: int  # patterns
    significant: int  # of them, before they are folded
    beyond: int  # of these, beyond the MOST_FOUND of a direction
    least: int  # occurrences below which a pattern was not tested: it could not be significant …
    rarest: int  # … or, between this and `least`, there were too many to count


def mine(corpora: tuple[Read, Read], kind: str | None = None) -> Mined:
    """Compare two corpora by patterns of a kind, by default all."""
    sketch = Sketch()
    held = totals([_sketched(sketch, read) for read in corpora])
    rarest = least_count(sketch, held)
    counter = Counter(sketch, rarest)
    for place, read in enumerate(corpora):
        for texts in read():
            counter.add(patterns(texts), place)
    tally = comparable(counter.tally(), held, kind)
    compared = odds(tally, held)
    findings, beyond = [], 0
    for place, sign in enumerate((1, -1)):
        fits = np.flatnonzero((compared.p_adjusted <= SIGNIFICANT) & (compared.log_odds * sign > 0))
        chosen = fits[np.lexsort((tally.keys[fits], -np.abs(compared.z[fits])))][:MOST_FOUND]
        beyond += len(fits) - len(chosen)
        findings += _findings(corpora[place], tally, held, compared, chosen)
    findings.sort(key=lambda one: (-abs(one.z), one.pattern, one.kind))
    units = tuple(tuple(map(int, row)) for row in held.units)
    documents = (int(held.documents[0]), int(held.documents[1]))
    significant = int((compared.p_adjusted <= SIGNIFICANT).sum())
    return Mined(tuple(findings), documents, (units[0], units[1]), len(tally.keys), significant, beyond, counter.least, rarest)


def _sketched(sketch: Sketch, read: Read) -> I64:
    """Add a corpus to the sketch; return its documents, their units by kind, and the squares of these."""
    sums = np.zeros(1 + 2 * len(KINDS), dtype=np.int64)
    for texts in read():
        batch = patterns(texts)
        sketch.add(batch)
        sums += np.concatenate([[len(texts)], batch.units.sum(axis=0), (batch.units**2).sum(axis=0)])
    return sums


def _findings(read: Read, tally: Tally, held: Totals, compared: Odds, chosen: I64) -> list[Finding]:
    """Return some patterns, those of larger z first, as they stand in the corpus that has more of them."""
    seen = _Seen(tally.keys[chosen])
    seen.look(read)
    shares = held.units[0] / np.maximum(held.units.sum(axis=0), 1)
    counted = []
    for one in chosen.tolist():
        kind, (first, second) = _kind(tally, one), tally.counts[one].tolist()
        words = seen.words[int(tally.keys[one])]
        counted.append(Counted(kind >= OPENERS, words, (first, second), float(shares[kind]), float(compared.dispersion[one])))
    findings = []
    for place, told in folded(counted, len(tally.keys)).items():
        examples = tuple(seen.examples[int(tally.keys[chosen[place]])])
        tells = tuple(dict.fromkeys(shown(counted[other].words) for other in told))
        findings.append(_finding(tally, compared, int(chosen[place]), counted[place].words, examples, tells))
    return findings


def _kind(tally: Tally, place: int) -> int:
    return int(kind_of(tally.keys[place : place + 1])[0])


def _finding(
    tally: Tally, compared: Odds, place: int, words: tuple[str, ...], examples: tuple[str, ...], tells: tuple[str, ...]
) -> Finding:
    kind, language = KINDS[_kind(tally, place)]
    (count, count_against), (documents, documents_against) = tally.counts[place], tally.documents[place]
    return Finding(
        pattern=shown(words),
        kind=kind,
        language=language,
        count=int(count),
        documents=int(documents),
        count_against=int(count_against),
        documents_against=int(documents_against),
        log_odds=float(compared.log_odds[place]),
        z=float(compared.z[place]),
        p_adjusted=float(compared.p_adjusted[place]),
        examples=examples,
        tells=tells,
        words=words,
    )


class _Seen:
    """The words of patterns, and texts in which they stand."""

    def __init__(self, keys: U64) -> None:
        self._keys = np.sort(keys)
        self.words: dict[int, tuple[str, ...]] = {}
        self.examples: dict[int, list[str]] = {int(key): [] for key in keys}

    def look(self, read: Read) -> None:
        """Look into a corpus until each pattern has its examples."""
        for key, batch, place, text in sightings(read, self._keys, EXAMPLES):
            words = self.words.setdefault(key, batch.words(place))
            example = excerpt(text, finder(words, bool(kind_of(np.array([key], np.uint64))[0] >= OPENERS)))
            if example is not None and example not in self.examples[key]:
                self.examples[key].append(example)


def sightings(read: Read, keys: U64, each: int) -> Iterator[tuple[int, Batch, int, str]]:
    """Yield the first `each` documents that hold each of some patterns, which are in order: key, batch, place in it, text."""
    left = np.full(len(keys), each)
    for texts in read() if len(keys) else ():
        if not left.any():
            return
        batch = patterns(texts)
        numbers = np.minimum(np.searchsorted(keys, without_document(batch.keys)), len(keys) - 1)
        places = np.flatnonzero((keys[numbers] == without_document(batch.keys)) & (left[numbers] > 0))
        _, first = np.unique(batch.keys[places], return_index=True)  # one a document
        for place in places[first].tolist():
            number = int(numbers[place])
            if left[number]:
                left[number] -= 1
                yield int(keys[number]), batch, place, texts[batch.document(place)]


def rules(findings: Sequence[Finding], against: Read) -> list[Rule]:
    """Return entries for the tagger's data files, with texts of the other corpus in which a part of the pattern stands."""
    parts = [parts_of(one.words, one.kind == "opener") for one in findings]
    keys = np.unique(np.array([key for some in parts for key in some], dtype=np.uint64))
    seen: dict[int, list[str]] = {int(key): [] for key in keys}
    for key, batch, place, text in sightings(against, keys, EXAMPLES):
        example = excerpt(text, finder(batch.words(place), opener=False))
        if example is not None:
            seen[key].append(example)
    negative = [dict.fromkeys(text for key in some for text in seen[key]) for some in parts]
    return [rule(one.language, one.words, one.examples, list(texts)) for one, texts in zip(findings, negative, strict=True)]
