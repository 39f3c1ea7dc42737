"""Cutting sentences out of a text: whole ones go or stay, and the white space around them is mended."""

import bisect
import collections
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from filters.sentences import MAX_SENTENCE_CHARS, Span, lowered, sentences
from schemas.sample import THOUGHT_MARKS

# Of a line: its bullet or number, which stays with what is left of it.
PREFIX = re.compile(r"\s*+(?:(?:[-*+•>]|#{1,6}|\(?\d{1,2}[.)])\s++)*+")
MAX_ENDING = 12  # characters that close brackets and quotations behind a full stop
_ENDED = re.compile(r"[.!?…。！？；][\"'”’)\\\]*」』）]*\Z")
_BLOCKS = ((r"\[", r"\]"), (r"\begin{", r"\end{"))
_BLOCK_MARKS = ("```", "$$", *(mark for marks in _BLOCKS for mark in marks))
_PAIRS = (*_BLOCKS, (r"\(", r"\)"), ("{", "}"), *THOUGHT_MARKS)
_EVEN = ("```", "$$", "**")


class Parted(NamedTuple):
    """A text without some of its sentences."""

    left: str
    cut: list[str]


class Places:
    """Stretches of a text, to tell what touches them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, span: Span) -> bool:
        """Say whether a stretch has a character of the span."""
        first = bisect.bisect_right(self._ends, span.start)
        return first < len(self._starts) and self._starts[first] < span.end


def parted(text: str, spans: Iterable[Span]) -> Parted:
    """Return a text without the sentences that spans touch.  A line that is empty then goes, and a blank line beside it.

    Lines inside a block of code or a formula stay.
    """
    places = Places(spans)
    kept: list[str] = []
    cut: list[str] = []
    dropped = False
    for start, line, in_block in _lines(text):
        is_touched = not in_block and places.touch(Span(start, start + len(line)))
        rest, gone = _without(start, line, places) if is_touched else (line, [])
        cut += gone
        if gone and not rest:
            dropped = True
        elif not (dropped and not line.strip() and (not kept or not kept[-1].strip())):
            kept.append(rest)
            dropped = False
    while dropped and kept and not kept[-1].strip():
        kept.pop()
    return Parted("\n".join(kept), cut) if cut else Parted(text, [])


def placed(text: str) -> list[Span]:
    """Return the sentences of a text, without bullets and numbers of lines; none is cut for its length."""
    return [Span(start + one.start, start + one.end) for start, line, _ in _lines(text) for one in _of_line(line)]


def free(text: str) -> list[Span]:
    """Return the sentences of a text that are on no line inside a block of code or a formula."""
    found = ((start, line) for start, line, in_block in _lines(text) if not in_block)
    return [Span(start + one.start, start + one.end) for start, line in found for one in _of_line(line)]


def said(text: str) -> list[str]:
    """Return the sentences of a text as they are written."""
    return [text[one.start : one.end] for one in placed(text)]


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield each line with its place, and whether a block of code or a formula is open where it begins."""
    marks: collections.Counter[str] = collections.Counter()
    start = 0
    for line in text.split("\n"):
        in_block = marks["```"] % 2 > 0 or marks["$$"] % 2 > 0 or any(marks[one] > marks[other] for one, other in _BLOCKS)
        yield start, line, in_block
        marks.update({mark: line.count(mark) for mark in _BLOCK_MARKS})
        start += len(line) + 1


def _of_line(line: str) -> list[Span]:
    prefix = PREFIX.match(line)
    begin = prefix.end() if prefix else 0
    found: list[Span] = []
    for start, end in sentences(lowered(line[begin:])):
        if found and not _ENDED.search(line, max(found[-1].start, found[-1].end - MAX_ENDING), found[-1].end):
            found[-1] = Span(found[-1].start, begin + end)  # it was cut for its length
        else:
            found.append(Span(begin + start, begin + end))
    return found


def _without(start: int, line: str, places: Places) -> tuple[str, list[str]]:
    """Return a line without the sentences that places touch, and these; the line as it is where the rest would read otherwise."""
    left: list[str] = []
    gone: list[str] = []
    pieces: list[str] = []
    at = 0
    for one in _of_line(line):
        sentence = line[one.start : one.end]
        if not places.touch(Span(start + one.start, start + one.end)) or not _can_go(sentence):
            left.append(sentence)
            continue
        gone.append(sentence)
        pieces.append(line[at : one.start])
        at = one.end
        while line[at : at + 1].isspace():
            at += 1
    if gone and not left:
        return "", gone
    rest = "".join(pieces) + line[at:]
    rest = rest.rstrip() if at == len(line) else rest
    return (rest, gone) if said(rest) == left else (line, [])


def _can_go(sentence: str) -> bool:
    """Say whether a sentence is no longer than one is, opens and closes its own marks, and is the same on a line of its own."""
    return (
        len(sentence) <= MAX_SENTENCE_CHARS
        and all(sentence.count(mark) % 2 == 0 for mark in _EVEN)
        and all(sentence.count(opening) == sentence.count(closing) for opening, closing in _PAIRS)
        and said(sentence) == [sentence]
    )
