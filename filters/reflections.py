"""Where a chain turns on itself: tagger `reflection_v1`, rules over sentences and signals over equations.

The rules are data, `reflection_v1/*.toml`.  It reads words and shapes of sentences: what a sentence means beyond them it does not know.
"""

import bisect
import functools
import re
from collections.abc import Iterator, Sequence

from filters.pattern_words import WORD, holds
from filters.reflection_rules import LANGUAGES, MAX_CONNECTIVES, SLOTS, Guard, Pattern, Rule, guards, line_pattern, opening, rules
from filters.reflection_signals import signals
from filters.sentences import HIDDEN, Span, echoes, lowered, masked, sentences
from schemas.annotation import LABELS, Label, Reflection

NAME = "reflection_v1"

MAX_MERGED = 3  # sentences in a row with one label that are one reflection

MAX_OPENING_CHARS = 40  # of a line that say whose it is

_HAN = re.compile("[\u4e00-\u9fff]")
_CLAUSE_END = {"en": re.compile(r"[,;:—–] ?|\.\.\. ?|… ?"), "zh": re.compile("[，；：,;:—… ]+")}
_ORDER = {label: place for place, label in enumerate(LABELS)}


def tag(text: str, question: str = "") -> list[Reflection]:
    """Return the reflections of one chain, sorted by start, end and label.  `effect` is None: nobody has measured it.

    Code, quotations and sentences of the question are passed over.  A label counts once in a sentence, and once for up to
    MAX_MERGED sentences in a row.
    """
    low = lowered(text)
    plain = masked(low)
    spans = sentences(low)
    found = _by_rules(plain, spans)
    for span, label, signal in signals(plain, spans):
        found.setdefault((span, label), (None, signal))
    if question and found:
        said = echoes(question, low, list(dict.fromkeys(span for span, _ in found)))
        found = {key: shown for key, shown in found.items() if key[0] not in said}
    return _merged(text, plain, spans, found)


def reflections(texts: Sequence[str], questions: Sequence[str] | None = None) -> list[list[Reflection]]:
    """Return the reflections of each text: the column that selection and export read."""
    asked = [""] * len(texts) if questions is None else questions
    return [tag(text, question) for text, question in zip(texts, asked, strict=True)]


Shown = tuple[tuple[int, int] | None, str | None]  # where the marker is, or the name of the signal
Found = dict[tuple[Span, Label], Shown]


class _Sentence:
    """A sentence with what the rules need of it in one language."""

    def __init__(self, text: str, language: str) -> None:
        self.text = text
        self._language = language
        self._opens: list[int] | None = None

    @property
    def opens(self) -> list[int]:
        """The places where a clause opens, and those behind connectives there."""
        if self._opens is None:
            start, connective = opening(self._language)
            places: dict[int, None] = {}
            for match in start.finditer(self.text):
                at = match.end()
                places[at] = None
                for _ in range(MAX_CONNECTIVES):
                    further = connective.match(self.text, at)
                    if further is None:
                        break
                    at = further.end()
                    places[at] = None
            self._opens = list(places)
        return self._opens

    def match(self, pattern: Pattern, anywhere: bool) -> re.Match[str] | None:
        """Return where a pattern shows."""
        if anywhere:
            return pattern.compiled.search(self.text)
        match = pattern.compiled.match
        for at in self.opens:
            if (found := match(self.text, at)) is not None:
                return found
        return None


def _hide(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])


def _by_rules(plain: str, spans: Sequence[Span]) -> Found:
    """Return what the rules find in each sentence: of a label, what comes first."""
    found: Found = {}
    chinese = _HAN.search(plain) is not None
    for span in spans:
        text = plain[span.start : span.end]
        tried = [("en", _english(text))] if not chinese else [("en", _english(text)), ("zh", _chinese(text))]
        for language, numbers in tried:
            if numbers:
                _try(plain, span, language, numbers, found)
    return found


def _try(plain: str, span: Span, language: str, numbers: int, found: Found) -> None:
    """Add what some patterns, by the bits of a number, find in a sentence."""
    text = _guarded(plain, span, language, numbers)
    numbers &= _rules_only(language)
    if text is None or not numbers:
        return
    sentence = _Sentence(text, language)
    patterns = _patterns(language)
    for number in _ones(numbers):
        rule, pattern = patterns[number]
        assert isinstance(rule, Rule)
        if found.get((span, rule.label), (None, None))[0] is not None:
            continue
        match = sentence.match(pattern, rule.anywhere)
        if match is not None:
            at = None if rule.signal else (span.start + match.start(), span.start + match.end())
            found[span, rule.label] = (at, rule.signal)


def _guarded(plain: str, span: Span, language: str, numbers: int) -> str | None:
    """Return a sentence with what the guards hide; None where it is no word of the writer's own."""
    text = plain[span.start : span.end]
    if not numbers & _rules_only(language):
        return None
    line = plain.rfind("\n", 0, span.start) + 1
    if line_pattern(language).match(plain[line : line + MAX_OPENING_CHARS]):
        return None
    patterns = _patterns(language)
    for number in _ones(numbers & ~_rules_only(language)):
        guard, pattern = patterns[number]
        if guard.scope == "words":
            text = pattern.compiled.sub(_hide, text)
        elif pattern.compiled.search(text):
            return None
    return text


def _ones(numbers: int) -> Iterator[int]:
    """Yield the places of the bits that are set, the lowest first."""
    while numbers:
        lowest = numbers & -numbers
        yield lowest.bit_length() - 1
        numbers ^= lowest


@functools.cache
def _patterns(language: str) -> list[tuple[Rule | Guard, Pattern]]:
    """Return the patterns of a language, each with its rule or guard, guards first."""
    both: list[Rule | Guard] = [one for one in guards() if one.scope != "line"]
    return [(one, pattern) for one in [*both, *rules()] if one.language == language for pattern in one.patterns]


@functools.cache
def _rules_only(language: str) -> int:
    """Return the bits of those that are rules."""
    return sum(1 << number for number, (one, _) in enumerate(_patterns(language)) if isinstance(one, Rule))


class _Bits:
    """Which words the patterns of a language need, as bits: SLOTS times as many as patterns, a slot after the other."""

    def __init__(self, language: str) -> None:
        patterns = _patterns(language)
        self.width = len(patterns)
        self.every = (1 << self.width) - 1
        self.of_word: dict[str, int] = {}
        self.spared = 0  # slots that a pattern has no words for
        for number, (_, pattern) in enumerate(patterns):
            for slot in range(SLOTS):
                bit = 1 << (slot * self.width + number)
                if slot >= len(pattern.words):
                    self.spared |= bit
                for word in pattern.words[slot] if slot < len(pattern.words) else ():
                    self.of_word[word] = self.of_word.get(word, 0) | bit

    def complete(self, found: int) -> int:
        """Return which patterns have a word in every slot, as bits."""
        found |= self.spared
        numbers = self.every
        for _ in range(SLOTS):
            numbers &= found
            found >>= self.width
        return numbers


@functools.cache
def _bits(language: str) -> _Bits:
    return _Bits(language)


@functools.lru_cache(maxsize=1 << 16)
def _of_word(word: str) -> int:
    """Return the bits of the words that a word of a chain holds."""
    found = 0
    for part, bits in _bits("en").of_word.items():
        if holds(word, part):
            found |= bits
    return found


def _english(sentence: str) -> int:
    """Return the English patterns that a sentence may be of, as bits."""
    found = 0
    for word in WORD.findall(sentence):
        found |= _of_word(word)
    return _bits("en").complete(found) if found else 0


@functools.cache
def _by_start() -> dict[str, list[tuple[str, int]]]:
    """Return the words of the Chinese patterns by their first two characters, or the only one."""
    found: dict[str, list[tuple[str, int]]] = {}
    for word, bits in _bits("zh").of_word.items():
        found.setdefault(word[:2], []).append((word, bits))
    return found


def _chinese(sentence: str) -> int:
    """Return the Chinese patterns that a sentence may be of, as bits."""
    words, found = _by_start(), 0
    for at in range(len(sentence)):
        for start in (sentence[at], sentence[at : at + 2]):
            for word, bits in words.get(start, ()):
                if sentence.startswith(word, at):
                    found |= bits
    return _bits("zh").complete(found) if found else 0


def _merged(text: str, plain: str, spans: Sequence[Span], found: Found) -> list[Reflection]:
    """Return reflections of what was found in sentences."""
    places = {span: place for place, span in enumerate(spans)}
    last: dict[Label, tuple[int, int]] = {}  # of a label: the sentence that its last reflection ends with, and its number there
    merged: list[Reflection] = []
    for (span, label), (marker, signal) in sorted(found.items(), key=lambda item: (item[0][0].start, _ORDER[item[0][1]])):
        words = None if marker is None else text[marker[0] : marker[1]]
        place = places[span]
        before = last.get(label)
        if before is not None and before[0] == place - 1:
            one = merged[before[1]]
            if plain.count("\n", one.start, span.start) == 0 and place - places_of(one, spans) < MAX_MERGED:
                merged[before[1]] = one._replace(end=span.end)
                last[label] = (place, before[1])
                continue
        start = span.start if marker is None else _clause(plain, span, marker[0])
        last[label] = (place, len(merged))
        merged.append(Reflection(label, start, span.end, words, signal, None))
    return sorted(merged, key=lambda one: (one.start, one.end, one.label))


def places_of(one: Reflection, spans: Sequence[Span]) -> int:
    """Return the place of the sentence that a reflection starts in."""
    return bisect.bisect_right(spans, (one.start, len(spans) and spans[-1].end)) - 1


LATE = 0.4  # of a sentence: a marker behind it makes a clause of its own the reflection


def _clause(plain: str, span: Span, marker: int) -> int:
    """Return where a reflection starts: with its sentence, or with the clause of a marker that comes late in it."""
    if marker - span.start < LATE * (span.end - span.start):
        return span.start
    language = "zh" if _HAN.search(plain, span.start, span.end) else "en"
    ends = [match.end() for match in _CLAUSE_END[language].finditer(plain, span.start, marker)]
    return ends[-1] if ends else span.start


__all__ = ["LANGUAGES", "NAME", "reflections", "tag"]
