"""The compiled kernel of the tagger in use: its tables, made of the rules for English, and what it says of a text."""

import functools
import re
import threading
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import numpy as np

from filters import compiled_sentences as kernel
from filters.compiled_sentences import I32, U8, U64
from filters.known import Known
from filters.pattern_words import MARKS, MAX_WHOLE, PREFIX
from filters.reflection_rules import MAX_CONNECTIVES, SLOTS, Classes, classes
from filters.reflection_signals import ASKS, LEAST_UNIT_CHARS, MAX_UNIT_CHARS, PARTS, UNIT, VALUES, VERBS
from filters.sentence_rules import ANYWHERE, GUARD, sentence_rules
from filters.sentences import ABBREVIATIONS, CLOSING, CUTS, ENDS, HARD_ENDS, HIDDEN, MAX_SENTENCE_CHARS


class Read(NamedTuple):
    """What the kernel reads in a text: its sentences, by their starts and ends; what else is said of each, or of each candidate."""

    starts: list[int]
    ends: list[int]
    looks: list[int]  # what signals may look at
    counts: list[int]  # candidates, which follow each other
    places: list[int]  # in the sentence, or ANYWHERE or GUARD
    numbers: list[int]  # of the pattern of a rule or guard


def read(low: str, plain: str) -> Read:
    """Return what is read in a text, given in lower case and with what is not its writer's own word hidden."""
    characters, tables = english()
    text = characters.encoded(low)
    starts, ends = np.empty((2, len(text) + 1), dtype=np.int32)
    count = kernel.split(text, starts, ends, tables.kinds, tables.abbreviations, MAX_SENTENCE_CHARS)
    starts, ends = starts[:count], ends[:count]
    if plain is not low:
        text = characters.encoded(plain)
    looks, counts = np.empty((2, count), dtype=np.int32)
    room = 8 * count + 64
    while True:
        found = np.empty((2, room), dtype=np.int32)
        needed = kernel.candidates(text, starts, ends, tuple(tables), sentence_rules("en").size, found, looks, counts)
        if needed <= room:
            return Read(starts.tolist(), ends.tolist(), looks.tolist(), counts.tolist(), *found[:, :needed].tolist())
        room = needed


class Characters:
    """Codes of characters, one byte each: ASCII as it is, above it one for all characters that are alike in all that is asked.

    Characters of `own` have codes of their own: what patterns begin with is told by codes.
    """

    def __init__(self, classes: Classes, marks: Mapping[str, int], own: Set[str]) -> None:
        self._classes = [re.compile(one) for one in (classes.start, classes.opener, classes.filler)]
        self._marks = marks
        self._own = own
        self.kinds = np.zeros((kernel.KINDS, 256), dtype=np.uint8)
        self.marks = np.zeros(256, dtype=np.int32)
        self._alike: dict[tuple[str, tuple[int, ...]], int] = {}
        self._lock = threading.Lock()
        self._codes = Known(self._code)
        for code in range(128):
            self._put(code, self._asked(chr(code)))

    def encoded(self, text: str) -> U8:
        """Return the codes of a text."""
        if text.isascii():
            return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        codes = points.astype(np.uint8)
        beyond = np.flatnonzero(points > 127)
        codes[beyond] = [self._codes[chr(point)] for point in points[beyond].tolist()]
        return codes

    def code(self, character: str) -> int:
        """Return the code of a character."""
        return ord(character) if character.isascii() else self._codes[character]

    def _code(self, character: str) -> int:
        asked = self._asked(character)
        with self._lock:  # workers may be threads
            code = self._alike.setdefault((character if character in self._own else "", asked), 128 + len(self._alike))
            self._put(code, asked)
        return code

    def _asked(self, character: str) -> tuple[int, ...]:
        return (
            character.isspace(),
            character.isalnum() or character == "_",
            *(character in some for some in (ENDS, HARD_ENDS, CLOSING, CUTS)),
            character.isdecimal(),
            character in "?？",
            kernel.IS_DIGIT * character.isdecimal()
            | kernel.IS_COMMA * (character == ",")
            | kernel.IS_FORMULA * (character in {"\\", HIDDEN})
            | kernel.IS_MARK * (character in self._marks)
            | kernel.IS_VERB * any(verb[0] == character for verb in VERBS),
            *(one.fullmatch(character) is not None for one in self._classes),
            self._marks.get(character, 0),
        )

    def _put(self, code: int, asked: Sequence[int]) -> None:
        self.kinds[:, code] = asked[:-1]
        self.marks[code] = asked[-1]


@functools.cache
def english() -> tuple[Characters, kernel.Tables]:
    """Return the tables of the rules for English."""
    rules, where = sentence_rules("en"), classes()
    words, patterns = rules.index.words, len(rules.index.patterns)
    scopes = rules.every_rule & ~rules.anywhere, rules.anywhere, (1 << patterns) - 1 & ~rules.every_rule
    found = [word for word in sorted(words) if word.isascii() and word.isalpha()]
    signs = [mark for mark in MARKS if mark in words]
    rows = [0, *(words[word] for word in (*signs, *found))]
    bits = _bits(rows, patterns, SLOTS)
    numbers, places = np.nonzero(bits)
    short_words, buckets, sieve, long_words, letters = _words(found, 1 + len(signs))
    prefixes = sorted(one for one in rules.begins if one)
    characters = Characters(where, {mark: row for row, mark in enumerate(signs, start=1)}, {*"".join(prefixes)})
    keys = [int.from_bytes(b"\1" + bytes(map(characters.code, prefix))) for prefix in prefixes]
    head_buckets, heads = _chained(keys)
    limits = {
        kernel.MOST_START: where.max_start,
        kernel.MOST_FILLER: where.max_filler,
        kernel.MOST_CONNECTIVES: MAX_CONNECTIVES,
        kernel.PREFIX: PREFIX,
        kernel.WHOLE: MAX_WHOLE,
        kernel.LEAST_UNIT: LEAST_UNIT_CHARS,
        kernel.MOST_UNIT: MAX_UNIT_CHARS + 1,  # with a space before it
        kernel.MOST_CHARS: MAX_SENTENCE_CHARS,
        kernel.ASKS: ASKS,
        kernel.PARTS: PARTS,
        kernel.VALUES: VALUES,
        kernel.UNIT: UNIT,
        kernel.ANYWHERE: ANYWHERE,
        kernel.GUARD: GUARD,
    }
    connectives = sorted(where.connectives, key=lambda one: one[0])
    return characters, kernel.Tables(
        characters.kinds,
        characters.marks,
        short_words,
        buckets,
        sieve,
        long_words,
        letters,
        firsts=np.searchsorted(numbers, np.arange(len(rows) + 1)).astype(np.int32),
        spots=places.astype(np.int32),
        masks=bits[numbers, places],
        spared=_bits([rules.index.spared], patterns, SLOTS)[0],
        head_buckets=head_buckets,
        heads=heads,
        head_keys=np.array([0, *keys], dtype=np.uint64),
        begins=_bits([rules.begins.get("", 0), *(rules.begins[prefix] for prefix in prefixes)], patterns, 1),
        scopes=_bits(scopes, patterns, 1),
        limits=np.array([limits[place] for place in range(kernel.LIMITS)], dtype=np.int32),
        abbreviations=_literals(ABBREVIATIONS),
        openings=_literals(where.openings),
        connectives=_literals(connectives),
        by_letter=np.searchsorted([ord(one[0]) for one in connectives], np.arange(257)).astype(np.int32),
        verbs=_literals(VERBS),
    )


def _bits(numbers: Sequence[int], patterns: int, slots: int) -> U64:
    """Return bits of patterns in rows, each slot from a number of its own on."""
    width = 8 * ((patterns + 63) // 64)
    every = (1 << patterns) - 1
    parts = (number >> slot * patterns & every for number in numbers for slot in range(slots))
    return np.frombuffer(b"".join(part.to_bytes(width, "little") for part in parts), dtype="<u8").reshape(len(numbers), -1)


def _words(words: Sequence[str], first: int) -> tuple[I32, I32, U8, I32, U8]:
    """Return where words are found: short ones whole, long ones by their first letters.  Their rows of bits begin with `first`."""
    short = np.zeros(27**MAX_WHOLE, dtype=np.int32)
    long = []
    for row, word in enumerate(words, start=first):
        if len(word) <= MAX_WHOLE:
            short[sum((ord(letter) - 96) * 27**place for place, letter in enumerate(reversed(word)))] = row
        else:
            long.append((word, row))
    keys = [int.from_bytes(word[: kernel.LETTERS].encode()) for word, _ in long]
    buckets, chained = _chained(keys)
    bits = np.zeros(1 << kernel.FILTER_BITS, dtype=np.uint8)
    bits[[_hashed(key, kernel.FILTER_BITS) for key in keys]] = 1
    ends = np.cumsum([0, *(len(word) for word, _ in long)])
    rows = [(0, 0, 0), *((row, ends[place], ends[place + 1]) for place, (_, row) in enumerate(long))]
    joined = np.frombuffer("".join(word for word, _ in long).encode(), dtype=np.uint8)
    return short, buckets, np.packbits(bits, bitorder="little"), np.hstack([chained[:, :1], np.array(rows, dtype=np.int32)]), joined


def _chained(keys: Sequence[int]) -> tuple[I32, I32]:
    """Return by hash the place of the first of some keys, from 1 on, and in rows the next of the same hash and the place."""
    buckets = np.zeros(1 << kernel.BUCKET_BITS, dtype=np.int32)
    chained = np.zeros((len(keys) + 1, 2), dtype=np.int32)
    for place, key in enumerate(keys, start=1):
        bucket = _hashed(key, kernel.BUCKET_BITS)
        chained[place] = buckets[bucket], place
        buckets[bucket] = place
    return buckets, chained


def _hashed(key: int, bits: int) -> int:
    return (key * kernel.MULTIPLIER & 0xFFFFFFFFFFFFFFFF) >> (64 - bits)


def _literals(literals: Sequence[str]) -> U8:
    """Return literals in rows, the length of each in the last column."""
    width = max(map(len, literals))
    rows = [[*one.encode("ascii").ljust(width, b"\0"), len(one)] for one in literals]
    return np.array(rows, dtype=np.uint8)
