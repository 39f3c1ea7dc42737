"""Where a chain turns on itself: tagger `reflection_v1`, rules over sentences and signals over equations.

The rules are data, `reflection_v1/*.toml`.  It reads words and shapes of sentences: what a sentence means beyond them it does not know.
"""

import bisect
import functools
import re
from collections.abc import Iterator, Sequence

from filters.pattern_words import MAX_WHOLE, PREFIX, WORD
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


def _opens(text: str, language: str) -> list[int]:
    """Return the places of a sentence where a clause opens, and those behind connectives there, in order."""
    start, opener, connective, begins = opening(language)
    found: dict[int, None] = {}
    first_match = start.match(text)
    ends = [first_match.end() if first_match else 0, *(match.end() for match in opener.finditer(text))]
    for at in ends:
        found[at] = None
        for _ in range(MAX_CONNECTIVES):
            begun = text[at : at + PREFIX]
            further = connective.match(text, at) if begun in begins or begun[:2] in begins or begun[:1] in begins else None
            if further is None:
                break
            at = further.end()
            found[at] = None
    return list(found)


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
    patterns, bits = _patterns(language), _bits(language)
    for number in _ones(numbers & bits.anywhere):
        rule, pattern = patterns[number]
        if match := pattern.compiled.search(text):
            _note(found, span, rule, match)
    numbers &= ~bits.anywhere
    for at in _opens(text, language) if numbers else ():
        for number in _ones(numbers & bits.begin(text[at : at + PREFIX])):
            rule, pattern = patterns[number]
            if match := pattern.compiled.match(text, at):
                numbers &= ~bits.of_label[rule.label]
                _note(found, span, rule, match)


def _note(found: Found, span: Span, rule: Rule, match: re.Match[str]) -> None:
    """Add what a rule shows, unless the label has words that come first."""
    before = found.get((span, rule.label))
    if before is not None and before[0] is not None and (rule.signal or before[0][0] <= span.start + match.start()):
        return
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
        self.of_label: dict[str, int] = {}
        self.anywhere = 0
        self._begin: dict[str, int] = {}
        self.spared = 0  # slots that a pattern has no words for
        for number, (one, pattern) in enumerate(patterns):
            if isinstance(one, Rule):
                self.of_label[one.label] = self.of_label.get(one.label, 0) | 1 << number
                self.anywhere |= one.anywhere << number
            for prefix in pattern.prefixes:
                self._begin[prefix] = self._begin.get(prefix, 0) | 1 << number
            for slot in range(SLOTS):
                bit = 1 << (slot * self.width + number)
                if slot >= len(pattern.words):
                    self.spared |= bit
                for word in pattern.words[slot] if slot < len(pattern.words) else ():
                    self.of_word[word] = self.of_word.get(word, 0) | bit

    def begin(self, start: str) -> int:
        """Return which patterns may match a text that starts with these PREFIX characters, as bits."""
        begin = self._begin.get
        return begin(start, 0) | begin(start[:2], 0) | begin(start[:1], 0) | begin("", 0)

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


class _Known(dict[str, int]):
    """The bits of the words that a word of a chain holds, remembered."""

    def __missing__(self, word: str) -> int:
        found = _bits("en").of_word.get(word, 0)
        starts = _by_start("en")
        for at in range(len(word) - MAX_WHOLE):
            for part, bits in starts.get(word[at : at + MAX_WHOLE + 1], ()):
                if word.startswith(part, at):
                    found |= bits
        if len(self) >= MAX_KNOWN:
            self.clear()
        self[word] = found
        return found


MAX_KNOWN = 1 << 16  # words, some megabytes
_known = _Known()


def _english(sentence: str) -> int:
    """Return the English patterns that a sentence may be of, as bits."""
    found = 0
    for word in WORD.findall(sentence):
        found |= _known[word]
    return _bits("en").complete(found) if found else 0


@functools.cache
def _by_start(language: str) -> dict[str, list[tuple[str, int]]]:
    """Return the words of the patterns, each with its bits, by their first characters: those of Chinese by two or the only one."""
    size = 2 if language == "zh" else MAX_WHOLE + 1
    found: dict[str, list[tuple[str, int]]] = {}
    for word, bits in _bits(language).of_word.items():
        found.setdefault(word[:size], []).append((word, bits))
    return found


def _chinese(sentence: str) -> int:
    """Return the Chinese patterns that a sentence may be of, as bits."""
    words, found = _by_start("zh"), 0
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
