"""Which of many patterns a sentence may be of, by the words that it holds: numbers of patterns as bits of one integer."""

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.known import Known
from filters.pattern_words import ENGLISH, MARKS, MAX_WHOLE
from filters.reflection_rules import SLOTS, Pattern

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
        self.spared = 0  # of each slot: patterns that have no words for it
        words: dict[str, int] = {}
        for number, pattern in enumerate(patterns):
            for slot in range(SLOTS):
                bit = 1 << (slot * len(patterns) + number)
                if slot >= len(pattern.words):
                    self.spared |= bit
                for word in pattern.words[slot] if slot < len(pattern.words) else ():
                    words[word] = words.get(word, 0) | bit
        self.words = words
        self._marks = [(mark, words[mark]) for mark in MARKS if mark in words]
        self._by_start: dict[str, list[_Part]] = {}
        for word, bits in words.items():
            self._by_start.setdefault(word[: HAN if chinese else MAX_WHOLE + 1], []).append(_Part(word, bits))
        self._known = Known(self._bits_of)

    def tried(self, sentence: str) -> int:
        """Return the patterns that a sentence may be of, as bits: it holds a word of each of their sets."""
        found = self._in_chinese(sentence) if self._chinese else self._in_english(sentence)
        found |= self.spared
        found &= found >> 2 * len(self.patterns)
        return found & found >> len(self.patterns) & self._every

    def _in_english(self, sentence: str) -> int:
        """Return the bits of a sentence's words."""
        found = functools.reduce(operator.or_, map(self._known.__getitem__, ENGLISH.findall(sentence)), 0)
        if "?" in sentence or not sentence.isascii():
            for mark, bits in self._marks:
                if mark in sentence:
                    found |= bits
        return found

    def _in_chinese(self, sentence: str) -> int:
        starts = {sentence[at : at + HAN] for at in range(len(sentence))}
        starts.update(sentence)
        found = 0
        for start in starts & self._by_start.keys():
            for part in self._by_start[start]:
                if part.word in sentence:
                    found |= part.bits
        return found

    def _bits_of(self, word: str) -> int:
        """Return the bits of a word of a text: those of the patterns' words that it is or, where these are long, holds."""
        found = self.words.get(word, 0)
        for at in range(len(word) - MAX_WHOLE):
            for part in self._by_start.get(word[at : at + MAX_WHOLE + 1], ()):
                if word.startswith(part.word, at):
                    found |= part.bits
        return found


def ones(numbers: int) -> Iterator[int]:
    """Yield the places of the bits that are set, the lowest first."""
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest
