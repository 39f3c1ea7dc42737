r"""Every place where a chain states an answer, in its order.

Read as a committed answer is (`filters.extraction`): boxes, "the answer is", "Answer:", 答案是, "B is correct".  What its clause
denies, doubts, supposes or ascribes to others is not stated.  Where no words name the answer, the value of a quantity is one,
see `filters.quantities`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.answer_key import AnswerKey
from filters.boxes import in_context, paired
from filters.candidates import clause_before, line_end, lowered
from filters.commitment import hedged
from filters.extraction import candidates, understood
from filters.phrases import ASCRIBED, places
from filters.quantities import quantity_answers
from filters.readings import bare, is_prose
from schemas.annotation import Label, Reflection

MAX_LINE_CHARS = 1000  # our rule: so much of a line is looked at around a word that may lead to an answer
MAX_CUES = 2000  # the last ones count; of 1,000 real outputs for MATH-500 one has 670, which repeats its box, the others under 150
MAX_NEXT_LINES = 2  # lines that hold something, where a line ends with what leads to the answer: "Final Answer:"

PLANS: frozenset[Label] = frozenset(("subgoal", "backward_chaining", "summary"))  # they turn on no answer

# Parts of the words that may lead to an answer or follow it.
_CUES = ("nswer", "NSWER", "boxed", "fbox", "####", "\nA:", "inal result", "inal value", "inal solution")
_CHOICE_CUES = ("ption", "hoice", "orrect", " select ", " pick ", " go with ")
_CHINESE_CUES = ("答", "选", "正确", "终结果", "后结果", "后的结果", "终的结果", "得数")
_ASCRIBED = re.compile(ASCRIBED)
_NEXT_LINES = re.compile(rf"(?:\s*+[^\n]{{1,{MAX_LINE_CHARS}}}){{0,{MAX_NEXT_LINES}}}")
_LEADS_ON = (":", "：", "is", "是", "为", "nswer", "=", "答案", "$$", "\\[", "&")


class StatedAnswer(NamedTuple):
    """One place where a chain states an answer.  Offsets are code points into the chain, end exclusive."""

    start: int
    end: int
    text: str  # the answer as it was read


def stated_answers(chain: str, reflections: Sequence[Reflection], key: AnswerKey) -> list[StatedAnswer]:
    """Return the answers that a chain states, in its order; none where the problem's checker compares no answers."""
    if not key.compares:
        return []
    named: list[StatedAnswer] = []
    read: dict[str, list[StatedAnswer]] = {}  # a chain that loops says the same again
    for start, end in _windows(chain, bool(key.problem.choices)):
        section = chain[start:end]
        if section not in read:
            read[section] = list(_named(section, key))
        named += [StatedAnswer(start + one.start, start + one.end, one.text) for one in read[section]]
    spans = [(one.start, one.end) for one in reflections if one.label not in PLANS]
    found = named + [StatedAnswer(*one) for one in quantity_answers(chain, spans, key, named)]
    return list(_without_overlaps(sorted(found)))


def _windows(chain: str, with_options: bool) -> Iterator[tuple[int, int]]:
    """Yield the stretches of the chain that may name an answer: lines, with those that they lead to; none overlaps another."""
    start = end = 0
    cues = _CUES + _CHOICE_CUES * with_options + _CHINESE_CUES * (not chain.isascii())
    found = places(chain, cues)[-MAX_CUES:]
    for cue in [0, *found] if chain.startswith("A:") else found:
        if cue + MAX_LINE_CHARS // 2 < end or chain.find("\n", cue, end) >= 0:
            continue
        reach = _reach(chain, cue)
        if cue > end:
            if end > 0:
                yield start, end
            start = max(chain.rfind("\n", max(0, cue - MAX_LINE_CHARS), cue) + 1, cue - MAX_LINE_CHARS, end)
        end = max(end, reach)
    if end > 0:
        yield start, end


def _reach(chain: str, cue: int) -> int:
    """Return where the line of a word ends, with what it leads to: the lines of an open brace, or those behind a colon."""
    end = line_end(chain, cue + 1, min(len(chain), cue + MAX_LINE_CHARS))
    line = chain[cue:end]
    if line.count("{") > line.count("}"):
        return min(len(chain), end + MAX_LINE_CHARS)
    if line.rstrip(" *_").endswith(_LEADS_ON) and (lines := _NEXT_LINES.match(chain, end)):
        return lines.end()
    return end


def _named(section: str, key: AnswerKey) -> Iterator[StatedAnswer]:
    """Yield the answers that the words of a stretch name, with their offsets in it."""
    low = lowered(section)
    gold = key.problem.answer or ""
    found = candidates(section, low)
    boxes = [one for one in found if one.source == "box"]
    pair = paired(section, boxes) if len(boxes) > 1 else None
    if pair is not None and key.read(pair.text) is not None:
        found = [one for one in found if one.start < pair.start] + [pair]
    for one in found:
        box, unit = in_context(section, low, one) if one.source == "box" and one is not pair else (one, "")
        if not box.clear or (one.source == "anchor" and (hedged(one.text) or "would" in low[one.start : one.end])):
            continue
        if _ASCRIBED.search(clause_before(low, one.start)):
            continue
        text, value = understood(box, unit, key.read)
        if "=" in text and "=" not in gold and key.read(side := bare(text.rpartition("=")[2])) is not None:
            text, value = side, side
        if value is not None and not (is_prose(text) and key.is_right(text) is None):
            yield StatedAnswer(one.start, one.end, text)


def _without_overlaps(found: list[StatedAnswer]) -> Iterator[StatedAnswer]:
    """Yield the answers that do not begin inside the one before."""
    end = -1
    for one in found:
        if one.start >= end:
            yield one
            end = one.end
