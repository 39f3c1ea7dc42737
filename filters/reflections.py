"""Where a chain turns on itself: tagger `reflection_v1`, rules over sentences and signals over their numbers.

The rules are data, `reflection_v1/*.toml`.  It reads words and shapes of sentences and does not know what they mean.
"""

import bisect
import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

from filters.pattern_index import PatternIndex, ones
from filters.pattern_words import PREFIX
from filters.reflection_rules import MAX_CONNECTIVES, Guard, Rule, guards, line_pattern, opening, rules
from filters.reflection_signals import signals
from filters.sentences import HIDDEN, Span, echoes, lowered, masked, sentences
from schemas.annotation import LABELS, Label, Reflection

NAME = "reflection_v1"

MAX_MERGED = 3  # sentences in a row with one label that are one reflection, as in the labelled set
MAX_LINE_CHARS = 2000  # of a line, in which what it begins with says whose it is
MAX_OPENING_CHARS = 40  # of a line that say whose it is

_HAN = re.compile("[\u4e00-\u9fff]")
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
        found.setdefault((span, label), Shown(None, signal))
    if question and found:
        said = echoes(question, low, list(dict.fromkeys(span for span, _ in found)))
        found = {key: shown for key, shown in found.items() if key[0] not in said}
    return _merged(text, plain, spans, found)


def reflections(texts: Sequence[str], questions: Sequence[str] | None = None) -> list[list[Reflection]]:
    """Return the reflections of each text: the column that selection and export read."""
    asked = [""] * len(texts) if questions is None else questions
    return [tag(text, question) for text, question in zip(texts, asked, strict=True)]


class Shown(NamedTuple):
    """What shows a label in a sentence."""

    marker: Span | None
    signal: str | None


Found = dict[tuple[Span, Label], Shown]


class _Language:
    """The rules and guards of a language, and where their patterns are tried: guards have the numbers behind those of rules."""

    def __init__(self, language: str) -> None:
        of_rules = [(rule, pattern) for rule in rules() if rule.language == language for pattern in rule.patterns]
        of_guards = [
            (one, pattern) for one in guards() if one.language == language and one.scope != "line" for pattern in one.patterns
        ]
        self.rules: list[Rule] = [rule for rule, _ in of_rules]
        self.guards: list[Guard] = [guard for guard, _ in of_guards]
        self.every_rule = (1 << len(self.rules)) - 1
        self.index = PatternIndex([pattern for _, pattern in (*of_rules, *of_guards)], language == "zh")
        self.anywhere = sum(rule.anywhere << number for number, rule in enumerate(self.rules))
        self.of_label = {label: sum((rule.label == label) << number for number, rule in enumerate(self.rules)) for label in LABELS}


@functools.cache
def _language(name: str) -> _Language:
    return _Language(name)


def _by_rules(plain: str, spans: Sequence[Span]) -> Found:
    """Return what the rules find in each sentence: of a label, what comes first."""
    found: Found = {}
    texts = [plain[span.start : span.end] for span in spans]
    for name in ("en", "zh") if not plain.isascii() and _HAN.search(plain) else ("en",):
        language = _language(name)
        for span, text in zip(spans, texts, strict=True):
            numbers = language.index.tried(text)
            of_rules = numbers & language.every_rule
            of_sentence = _matches(text, name, of_rules) if of_rules else []
            if of_sentence and (guarded := _guarded(plain, span, text, name, numbers >> len(language.rules))):
                if guarded != text:
                    of_sentence = _matches(guarded, name, of_rules)
                for rule, match in of_sentence:
                    _note(found, span, rule, match)
    return found


def _matches(text: str, name: str, numbers: int) -> list[tuple[Rule, re.Match[str]]]:
    """Return what some patterns, by the bits of a number, find in a sentence."""
    language = _language(name)
    rules_of, patterns, beginning = language.rules, language.index.patterns, language.index.beginning
    found = []
    for number in ones(numbers & language.anywhere):
        if match := patterns[number].compiled.search(text):
            found.append((rules_of[number], match))
    numbers &= ~language.anywhere
    for at in _opens(text, name) if numbers else ():
        here = numbers & beginning[text[at : at + PREFIX]]
        while here:
            lowest = here & -here
            here ^= lowest
            number = lowest.bit_length() - 1
            if match := patterns[number].compiled.match(text, at):
                rule = rules_of[number]
                numbers &= ~language.of_label[rule.label]
                here &= numbers
                found.append((rule, match))
    return found


def _note(found: Found, span: Span, rule: Rule, match: re.Match[str]) -> None:
    """Add what a rule shows, unless the label has words that come first."""
    place = Span(span.start + match.start(), span.start + match.end())
    before = found.get((span, rule.label))
    if before is None or before.marker is None or (rule.signal is None and place.start < before.marker.start):
        found[span, rule.label] = Shown(None, rule.signal) if rule.signal else Shown(place, None)


def _guarded(plain: str, span: Span, text: str, name: str, numbers: int) -> str:
    """Return a sentence with what some guards, by the bits of a number, hide; "" where it is no word of the writer's own."""
    line = plain.rfind("\n", max(span.start - MAX_LINE_CHARS, 0), span.start) + 1  # without a bound, time would be quadratic
    if line_pattern(name).match(plain[line : line + MAX_OPENING_CHARS]):
        return ""
    language = _language(name)
    for number in ones(numbers):
        pattern = language.index.patterns[len(language.rules) + number].compiled
        if language.guards[number].scope == "words":
            text = pattern.sub(_hide, text)
        elif match := pattern.search(text):
            text = text[: match.start()] + HIDDEN * (len(text) - match.start())
    return text


def _hide(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])


def _opens(text: str, language: str) -> list[int]:
    """Return the places of a sentence where a clause opens, and those behind connectives there, in order."""
    start, opener, connective, begins, sizes = opening(language)
    first = start.match(text)
    found = [first.end() if first else 0]
    found += [match.end() for match in opener.finditer(text)]
    for at in found[:]:
        for _ in range(MAX_CONNECTIVES):
            for size in sizes:
                if text[at : at + size] in begins:
                    break
            else:
                break
            further = connective.match(text, at)
            if further is None:
                break
            at = further.end()
            found.append(at)
    return sorted(found)


def _merged(text: str, plain: str, spans: Sequence[Span], found: Found) -> list[Reflection]:
    """Return reflections of what was found in sentences."""
    places = {span: place for place, span in enumerate(spans)}
    last: dict[Label, tuple[int, int]] = {}  # of a label: the sentence that its last reflection ends with, and its number there
    merged: list[Reflection] = []
    for (span, label), (marker, signal) in sorted(found.items(), key=lambda item: (item[0][0].start, _ORDER[item[0][1]])):
        words = None if marker is None else text[marker.start : marker.end]
        place = places[span]
        before = last.get(label)
        if before is not None and before[0] == place - 1:
            one = merged[before[1]]
            if plain.count("\n", one.start, span.start) == 0 and place - _place_of(one, spans) < MAX_MERGED:
                merged[before[1]] = one._replace(end=span.end)
                last[label] = (place, before[1])
                continue
        last[label] = (place, len(merged))
        merged.append(Reflection(label, span.start, span.end, words, signal, None))
    return sorted(merged, key=lambda one: (one.start, one.end, one.label))


def _place_of(one: Reflection, spans: Sequence[Span]) -> int:
    """Return the place of the sentence that a reflection starts in."""
    return bisect.bisect_right(spans, (one.start, len(spans) and spans[-1].end)) - 1
