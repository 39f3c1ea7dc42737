"""What the rules of `reflection_v1` find in a sentence by itself."""

import functools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.known import Known
from filters.pattern_index import PatternIndex, ones
from filters.pattern_words import PREFIX, prefixes
from filters.reflection_rules import MAX_CONNECTIVES, guards, line_pattern, opening, rules
from filters.sentences import HIDDEN
from schemas.annotation import LABELS

_FLAGS = re.UNICODE, re.ASCII  # for text that is not ASCII and text that is: of the same meaning, the second faster


class Mark(NamedTuple):
    """What shows a label: words at a place of the sentence, or its shape under the name of a signal."""

    label: int  # its place in LABELS
    start: int
    end: int
    signal: str | None


MAX_TRIED = 128  # candidates in a sentence: of 64,733 sentences of 1,000 MATH-500 outputs none has more than 99, and 66 over 30
ANYWHERE, GUARD = -1, -2  # in place of where a clause opens
Candidate = tuple[int, int]  # where in a sentence, or ANYWHERE or GUARD; the number of the rule's or the guard's pattern there


class SentenceRules:
    """The rules and guards of a language, and where their patterns are tried: guards have the numbers behind those of rules.

    `marks` has what is found by the sentence: of 64,733 sentences of 1,000 MATH-500 outputs, 40,326 had come before.
    """

    def __init__(self, language: str) -> None:
        of_rules = [(rule, pattern) for rule in rules() if rule.language == language for pattern in rule.patterns]
        of_guards = [
            (one, pattern) for one in guards() if one.language == language and one.scope != "line" for pattern in one.patterns
        ]
        self.marks: Known[str, tuple[Mark, ...]] = Known(lambda text: self._marks(text, self._candidates(text)))
        self.line = line_pattern(language)
        self._rules = [rule for rule, _ in of_rules]
        self._labels = [LABELS.index(rule.label) for rule in self._rules]
        self._guards = [guard for guard, _ in of_guards]
        self.size = len(self._rules)  # patterns of rules
        self.every_rule = (1 << self.size) - 1
        self.index = PatternIndex([pattern for _, pattern in (*of_rules, *of_guards)], language == "zh")
        self._compiled = tuple(Known(functools.partial(self._compile, flags)) for flags in _FLAGS)
        self.anywhere = sum(rule.anywhere << number for number, rule in enumerate(self._rules))
        self._opening = tuple(opening(language, flags) for flags in _FLAGS)
        self._joins = prefixes(self._opening[0].connective.pattern)
        self.begins: dict[str, int] = {}
        for number, pattern in enumerate(self.index.patterns[: self.size]):
            for prefix in pattern.prefixes:
                self.begins[prefix] = self.begins.get(prefix, 0) | 1 << number
        self._heads = Known(self._head)

    def _compile(self, flags: re.RegexFlag, number: int) -> re.Pattern[str]:
        return re.compile(self.index.patterns[number].source, flags)

    def of_sentences(self, texts: Sequence[str]) -> Iterator[tuple[int, tuple[Mark, ...]]]:
        """Yield the places of sentences in which something shows a label, and what does."""
        marks = self.marks
        for place, text in enumerate(texts):
            # In ASCII without a letter only a question mark can be of a pattern; there are many such lines.
            if (text.islower() or not text.isascii() or "?" in text) and (found := marks[text]):
                yield place, found

    def of_candidates(
        self, texts: Sequence[str], counts: Sequence[int], places: Sequence[int], numbers: Sequence[int]
    ) -> Iterator[tuple[int, tuple[Mark, ...]]]:
        """Yield the same as `of_sentences`, from the candidates of each sentence."""
        marks = self.marks
        last = 0
        for place, count in enumerate(counts):
            if not count:
                continue
            first, last = last, last + count
            text = texts[place]
            found = marks.get(text)
            if found is None:
                found = self._marks(text, list(zip(places[first:last], numbers[first:last], strict=True)))
                marks.put(text, found)
            if found:
                yield place, found

    def _marks(self, text: str, candidates: Sequence[Candidate]) -> tuple[Mark, ...]:
        """Return what shows labels in a sentence: of a label, what comes first."""
        found = self._matches(text, candidates)
        if not found:
            return ()
        if (guarded := self._guarded(text, [number for at, number in candidates if at == GUARD])) != text:
            found = self._matches(guarded, self._candidates(guarded))
        marks: dict[int, Mark] = {}
        for number, match in found:
            mark = Mark(self._labels[number], match.start(), match.end(), self._rules[number].signal)
            before = marks.get(mark.label)
            if before is None or before.signal or (mark.signal is None and mark.start < before.start):
                marks[mark.label] = mark
        return tuple(marks.values())

    def _candidates(self, text: str) -> list[Candidate]:
        """Return what patterns may match where in a sentence: anywhere, then where clauses open, in order, then guards."""
        numbers = self.index.tried(text)
        of_rules = numbers & self.every_rule
        if not of_rules:
            return []
        anywhere = of_rules & self.anywhere
        opening = of_rules ^ anywhere
        found = [(ANYWHERE, number) for number in ones(anywhere)] if anywhere else []
        if opening:
            found += [(at, number) for at, here in self._opens(text, opening) for number in ones(here)]
        return [*found, *((GUARD, number) for number in ones(numbers >> self.size))] if found else []

    def _matches(self, text: str, candidates: Sequence[Candidate]) -> list[tuple[int, re.Match[str]]]:
        """Return what of some patterns matches in a sentence; of a label, where clauses open, the first."""
        compiled, labels = self._compiled[text.isascii()], self._labels
        found = []
        done = 0
        for at, number in candidates[:MAX_TRIED]:
            if at >= 0:
                label = 1 << labels[number]
                if not done & label and (match := compiled[number].match(text, at)):
                    done |= label
                    found.append((number, match))
            elif at == ANYWHERE and (match := compiled[number].search(text)):
                found.append((number, match))
        return found

    def _guarded(self, text: str, numbers: Sequence[int]) -> str:
        """Return a sentence with what some guards hide."""
        compiled = self._compiled[text.isascii()]
        for number in numbers:
            pattern = compiled[self.size + number]
            if self._guards[number].scope == "words":
                text = pattern.sub(_hide, text)
            elif match := pattern.search(text):
                text = text[: match.start()] + HIDDEN * (len(text) - match.start())
        return text

    def _opens(self, text: str, numbers: int) -> list[tuple[int, int]]:
        """Return the places, in order, where a clause opens or goes on behind connectives, and the bits of what may match there."""
        start, opener, connective = self._opening[text.isascii()]
        first = start.match(text)
        heads = self._heads
        places = [first.end() if first else 0]
        places += [match.end() for match in opener.finditer(text)]
        found = {}
        for at in places:
            here, joins = heads[text[at : at + PREFIX]]
            if here & numbers:
                found[at] = here & numbers
            for _ in range(MAX_CONNECTIVES):
                if not joins or (further := connective.match(text, at)) is None:
                    break
                at = further.end()
                here, joins = heads[text[at : at + PREFIX]]
                if here & numbers:
                    found[at] = here & numbers
        return sorted(found.items())

    def _head(self, text: str) -> tuple[int, bool]:
        """Return, by the next PREFIX characters of a text, what may match there, as bits, and whether a connective may."""
        numbers, joins = 0, False
        for size in range(PREFIX + 1):
            numbers |= self.begins.get(text[:size], 0)
            joins = joins or text[:size] in self._joins
        return numbers, joins


@functools.cache
def sentence_rules(language: str) -> SentenceRules:
    """Return the rules of a language, loaded once a process, in about half a second."""
    return SentenceRules(language)


def _hide(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])
