"""Which of many patterns a sentence may be of, by the words that it holds: numbers of patterns as bits of one integer."""

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from filters.pattern_words import ENGLISH, MARKS, MAX_WHOLE
from filters.reflection_rules import SLOTS, Pattern

MAX_KNOWN = 1 << 16  # words whose bits are remembered, some megabytes
HAN = 2  # Chinese characters by which a pattern's words are looked up


class _Part(NamedTuple):
    """A word of patterns, with the bits of all that need it."""

    word: str
    bits: int


class PatternIndex:
    """The words of some patterns.  A slot after the other has a bit for each pattern: SLOTS times as many bits as patterns."""

    def __init__(self, patterns: Sequence[Pattern], chinese: bool) -> None:
        self.patterns = patterns
        self._chinese = chinese
        self._every = (1 << len(patterns)) - 1
        self._spared = [0] * SLOTS  # of each slot: patterns that have no words for it
        begin: dict[str, int] = {}
        words: dict[str, int] = {}
        for number, pattern in enumerate(patterns):
            for prefix in pattern.prefixes:
                begin[prefix] = begin.get(prefix, 0) | 1 << number
            for slot in range(SLOTS):
                bit = 1 << (slot * len(patterns) + number)
                if slot >= len(pattern.words):
                    self._spared[slot] |= 1 << number
                for word in pattern.words[slot] if slot < len(pattern.words) else ():
                    words[word] = words.get(word, 0) | bit
        self._whole = words
        self._marks = [(mark, words[mark]) for mark in MARKS if mark in words]
        self._by_start: dict[str, list[_Part]] = {}
        for word, bits in words.items():
            self._by_start.setdefault(word[: HAN if chinese else MAX_WHOLE + 1], []).append(_Part(word, bits))
        self._known = _Known(self._bits_of)
        # By the next PREFIX characters of a text: the patterns that may match there, as bits.
        self.beginning = _Known(
            lambda start: begin.get(start, 0) | begin.get(start[:2], 0) | begin.get(start[:1], 0) | begin.get("", 0)
        )

    def tried(self, sentence: str) -> int:
        """Return the patterns that a sentence may be of, as bits: it holds a word of each of their sets."""
        found = self._in_chinese(sentence) if self._chinese else self._in_english(sentence)
        numbers = self._every
        for spared in self._spared:
            numbers &= found | spared
            if not numbers:
                break
            found >>= len(self.patterns)
        return numbers

    def _in_english(self, sentence: str) -> int:
        """Return the bits of a sentence's words."""
        found = functools.reduce(operator.or_, map(self._known.__getitem__, ENGLISH.findall(sentence)), 0)
        if "?" in sentence or not sentence.isascii():
            for mark, bits in self._marks:
                if mark in sentence:
                    found |= bits
        return found

    def _in_chinese(self, sentence: str) -> int:
        parts, found = self._by_start, 0
        for at in range(len(sentence)):
            for start in (sentence[at], sentence[at : at + HAN]):
                for part in parts.get(start, ()):
                    if sentence.startswith(part.word, at):
                        found |= part.bits
        return found

    def _bits_of(self, word: str) -> int:
        """Return the bits of a word of a text: those of the patterns' words that it is or, where these are long, holds."""
        found = self._whole.get(word, 0)
        for at in range(len(word) - MAX_WHOLE):
            for part in self._by_start.get(word[at : at + MAX_WHOLE + 1], ()):
                if word.startswith(part.word, at):
                    found |= part.bits
        return found


class _Known(dict[str, int]):
    """Bits by word or by what a text goes on with, made when they are asked for."""

    def __init__(self, bits_of: Callable[[str], int]) -> None:
        super().__init__()
        self._bits_of = bits_of

    def __missing__(self, word: str) -> int:
        if len(self) >= MAX_KNOWN:
            self.clear()
        bits = self._bits_of(word)
        self[word] = bits
        return bits


def ones(numbers: int) -> Iterator[int]:
    """Yield the places of the bits that are set, the lowest first."""
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest
