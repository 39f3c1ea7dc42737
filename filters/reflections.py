"""Where a chain turns on itself: tagger `reflection_v1`, rules over sentences and signals over their numbers.

The rules are data, `reflection_v1/*.toml`.  It reads words and shapes of sentences and does not know what they mean.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from filters.reflection_signals import signals
from filters.sentence_rules import sentence_rules
from filters.sentences import Span, echoes, lowered, masked, sentences
from schemas.annotation import LABELS, Reflection

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
    texts = [plain[start:end] for start, end in spans]
    found = _by_rules(plain, spans, texts)
    for place, label, signal in signals(plain, spans, texts):
        found.setdefault((place, _ORDER[label]), Shown(None, signal))
    if question and found:
        said = echoes(question, low, {place: spans[place] for place, _ in found})
        found = {key: shown for key, shown in found.items() if key[0] not in said}
    return _merged(text, plain, spans, found)


def reflections(texts: Sequence[str], questions: Sequence[str] | None = None) -> list[list[Reflection]]:
    """Return the reflections of each text: the column that selection and export read."""
    asked = [""] * len(texts) if questions is None else questions
    return [tag(text, question) for text, question in zip(texts, asked, strict=True)]


class Shown(NamedTuple):
    """What shows a label in a sentence."""

    marker: Span | None  # in the text
    signal: str | None


Found = dict[tuple[int, int], Shown]  # by the sentence's place in the chain and the label's in LABELS


def _by_rules(plain: str, spans: Sequence[Span], texts: Sequence[str]) -> Found:
    """Return what the rules find in each sentence: of a label, what comes first."""
    found: Found = {}
    for name in ("en", "zh") if not plain.isascii() and _HAN.search(plain) else ("en",):
        rules = sentence_rules(name)
        marks = rules.marks
        for place, text in enumerate(texts):
            of_sentence = marks[text]
            if not of_sentence:
                continue
            at = spans[place].start
            line = plain.rfind("\n", max(at - MAX_LINE_CHARS, 0), at) + 1  # without a bound, time would be quadratic
            if rules.line.match(plain[line : line + MAX_OPENING_CHARS]):
                continue
            for label, start, end, signal in of_sentence:
                before = found.get((place, label))
                if before is None or before.marker is None or (signal is None and at + start < before.marker.start):
                    found[place, label] = Shown(None if signal else Span(at + start, at + end), signal)
    return found


def _merged(text: str, plain: str, spans: Sequence[Span], found: Found) -> list[Reflection]:
    """Return reflections of what was found in sentences."""
    last: dict[int, tuple[int, int, int]] = {}  # of a label: its last reflection's number, first sentence and last one
    merged: list[Reflection] = []
    for (place, order), (marker, signal) in sorted(found.items()):
        span = spans[place]
        number, first, before = last.get(order, (0, 0, -2))
        if before == place - 1 and place - first < MAX_MERGED and plain.find("\n", merged[number].start, span.start) < 0:
            merged[number] = merged[number]._replace(end=span.end)
            last[order] = number, first, place
            continue
        last[order] = len(merged), place, place
        words = None if marker is None else text[marker.start : marker.end]
        merged.append(Reflection(LABELS[order], span.start, span.end, words, signal, None))
    return sorted(merged, key=lambda one: (one.start, one.end, one.label))
