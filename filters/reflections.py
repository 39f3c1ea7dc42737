"""Where a chain turns on itself: tagger `reflection_v1`, rules over sentences and signals over their numbers.

The rules are data, `reflection_v1/*.toml`.  It reads words and shapes of sentences and does not know what they mean.
"""

import functools
import operator
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from filters.kernels import usable
from filters.reflection_signals import signals
from filters.sentence_rules import Mark, SentenceRules, sentence_rules
from filters.sentences import Span, echoes, lowered, masked, sentences
from schemas.annotation import LABELS, Reflection

NAME = "reflection_v1"

MAX_MERGED = 3  # sentences in a row with one label that are one reflection, as in the labelled set
MAX_LINE_CHARS = 2000  # of a line, in which what it begins with says whose it is
MAX_OPENING_CHARS = 40  # of a line that say whose it is

_HAN = re.compile("[\u4e00-\u9fff]")
_ORDER = {label: place for place, label in enumerate(LABELS)}


# Chains of a process from which the compiled kernel is used.  It saves about .2 ms a chain of 300 words; loading it takes 1 s, and
# compiling it, once a machine, 10.
COMPILED_FROM = 20_000


def tag(text: str, question: str = "", compiled: bool | None = None) -> list[Reflection]:
    """Return the reflections of one chain, sorted by start, end and label.  `effect` is None: nobody has measured it.

    Code, quotations and sentences of the question are passed over.  A label counts once in a sentence, and once for up to
    MAX_MERGED sentences in a row.  `compiled` says whether the compiled kernel is used; None: where numba is installed and this
    process has tagged COMPILED_FROM chains.
    """
    inner = text.strip()
    lead = text.index(inner[0]) if inner else 0
    found = _tag(inner, question, compiled)
    return [one._replace(start=one.start + lead, end=one.end + lead) for one in found] if lead else found


def _tag(text: str, question: str, compiled: bool | None) -> list[Reflection]:
    """Return the reflections of a chain without white space around it."""
    low = lowered(text)
    plain = masked(low)
    chinese = not low.isascii() and _HAN.search(low) is not None
    fast = None if chinese else _kernel(compiled)
    if fast:
        read = fast.read(low, plain)
        spans: Sequence[tuple[int, int]] = list(zip(read.starts, read.ends, strict=True))
        texts = [plain[start:end] for start, end in spans]
        looks: Sequence[int] | None = read.looks
        rules = sentence_rules("en")
        found = _by_rules(plain, spans, [(rules, rules.of_candidates(texts, read.counts, read.places, read.numbers))])
    else:
        spans, looks = sentences(low), None
        texts = [plain[start:end] for start, end in spans]
        languages = map(sentence_rules, ("en", "zh") if chinese else ("en",))
        found = _by_rules(plain, spans, [(rules, rules.of_sentences(texts)) for rules in languages])
    for place, label, signal in signals(plain, spans, texts, looks):
        found.setdefault((place, _ORDER[label]), Shown(None, signal))
    if question and found:
        said = echoes(question, low, {place: spans[place] for place, _ in found})
        found = {key: shown for key, shown in found.items() if key[0] not in said}
    return _merged(text, plain, spans, found)


_tagged = 0  # chains of this process, to tell whether the kernel pays; it decides nothing else


def _kernel(compiled: bool | None) -> Any:
    """Return the compiled kernel where it is asked for, or pays and can be had, else None."""
    global _tagged
    _tagged += 1
    if compiled is None:
        return _kernel_if_there() if _tagged >= COMPILED_FROM else None
    return _sentence_kernel() if compiled else None


@functools.cache
def _kernel_if_there() -> Any:
    return usable("filters.sentence_kernel", lambda kernel: kernel.read("so, wait.", "so, wait."))


def _sentence_kernel() -> Any:
    from filters import sentence_kernel

    return sentence_kernel


def reflections(texts: Sequence[str], questions: Sequence[str] | None = None) -> list[list[Reflection]]:
    """Return the reflections of each text: the column that selection and export read."""
    asked = [""] * len(texts) if questions is None else questions
    return [tag(text, question) for text, question in zip(texts, asked, strict=True)]


class Shown(NamedTuple):
    """What shows a label in a sentence."""

    marker: Span | None  # in the text
    signal: str | None


Found = dict[tuple[int, int], Shown]  # by the sentence's place in the chain and the label's in LABELS


def _by_rules(
    plain: str, spans: Sequence[tuple[int, int]], marks: Iterable[tuple[SentenceRules, Iterable[tuple[int, Sequence[Mark]]]]]
) -> Found:
    """Return what the rules of each language find in each sentence: of a label, what comes first."""
    found: Found = {}
    for rules, of_sentences in marks:
        for place, of_sentence in of_sentences:
            at = spans[place][0]
            line = plain.rfind("\n", max(at - MAX_LINE_CHARS, 0), at) + 1  # without a bound, time would be quadratic
            if rules.line.match(plain[line : line + MAX_OPENING_CHARS]):
                continue
            for label, start, end, signal in of_sentence:
                before = found.get((place, label))
                if before is None or before.marker is None or (signal is None and at + start < before.marker.start):
                    found[place, label] = Shown(None if signal else Span(at + start, at + end), signal)
    return found


def _merged(text: str, plain: str, spans: Sequence[tuple[int, int]], found: Found) -> list[Reflection]:
    """Return reflections of what was found in sentences."""
    last: dict[int, tuple[int, int, int]] = {}  # of a label: its last reflection's number, first sentence and last one
    merged: list[Reflection] = []
    for (place, order), (marker, signal) in sorted(found.items()):
        start, end = spans[place]
        number, first, before = last.get(order, (0, 0, -2))
        if before == place - 1 and place - first < MAX_MERGED and plain.find("\n", merged[number].start, start) < 0:
            merged[number] = merged[number]._replace(end=end)
            last[order] = number, first, place
            continue
        last[order] = len(merged), place, place
        words = None if marker is None else text[marker.start : marker.end]
        merged.append(Reflection(LABELS[order], start, end, words, signal, None))
    return sorted(merged, key=operator.attrgetter("start", "end", "label"))
