"""What a place in a text that commits to an answer is, and how the text around it is cut into clauses and sentences."""

import re
from typing import Literal, NamedTuple

from filters.phrases import CHINESE_SO, SO, one_of

Source = Literal["box", "anchor", "conclusion", "whole"]

MAX_ANSWER_CHARS = 4096  # the static limit of inspect_ai's safe mathematics grader; anything longer is no answer
MAX_BEFORE_CHARS = 400  # our rule: how much of a line counts as what stands before a candidate

_CLAUSE = re.compile(
    rf"[.!?](?=[\s*])|[。；;！？]|\b{one_of(SO + '|which means|meaning')}\b|,\s(?:and|but)\b|[，,][而但]"
    rf"|{one_of(CHINESE_SO)}|故(?=[选答])|\band\s(?=(?:the|my|our)\s(?:final\s|correct\s|right\s){{0,2}}answer|$)"
)
_COURTESIES = "let me know|i hope|hope|feel free|thank"
_COMMENTS = "which|as required|as desired|as needed|as expected|as requested|thanks?|i think"
_SENTENCE_END = re.compile(
    rf"\.\s(?={one_of(_COURTESIES)}\b)|\.(?=[*\"”’)\]]*(?:\s|\Z))|!(?=\**(?:\s|\Z))|[。；！]"
    rf"|,?\s(?:because|since)\s|,\s{one_of(_COMMENTS)}\b|[,，]?(?:因为|由于|谢谢)"
)
_ABBREVIATIONS = frozenset(("st", "mr", "mrs", "ms", "dr", "jr", "sr", "vs", "mt", "prof", "approx"))


class Candidate(NamedTuple):
    """One place where a text commits to an answer.  Offsets are code points into the section."""

    text: str
    source: Source
    start: int
    end: int
    clear: bool = True  # whether its clause asserts it
    lead: str = ""  # of an anchor: the kind of words that lead to it, see filters.anchors


def lowered(text: str) -> str:
    """Return `text` in lower case with every character in its place: İ, whose lower case is two characters, stays."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


def line_before(text: str, start: int) -> str:
    """Return what stands before `start` in its line, at most `MAX_BEFORE_CHARS` of it."""
    return text[max(0, start - MAX_BEFORE_CHARS) : start].rpartition("\n")[2]


def line_end(text: str, start: int, limit: int) -> int:
    """Return where the line of `start` ends, at most `limit`."""
    end = text.find("\n", start, limit)
    return limit if end < 0 else end


def clause_before(low: str, start: int) -> str:
    """Return what stands before `start` in its clause; `low` is lower case."""
    return _CLAUSE.split(line_before(low, start))[-1]


def sentence_end(low: str, start: int, end: int) -> int:
    """Return where the sentence that starts at `start` ends, at most `end`.  An initial, a title or 5! ends no sentence."""
    for match in _SENTENCE_END.finditer(low, start, end):
        if match[0] not in (".", "!"):
            return match.start()
        words = low[max(start, match.start() - 12) : match.start()].split()
        last = words[-1].strip("*(") if words else ""
        is_word = len(last) > 1 and last[-2:].isalpha()
        if match[0] == "!" and not is_word and not low.startswith("**", match.start() - 2):
            continue
        if not (last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha())):
            return match.start()
    return end


def clipped(text: str, start: int, end: int) -> str:
    """Return a candidate's text.  One that is too long stays over the limit, so that it is never read."""
    if end - start <= 4 * MAX_ANSWER_CHARS:
        return text[start:end].strip()[: MAX_ANSWER_CHARS + 1]
    return text[start : start + 4 * MAX_ANSWER_CHARS].strip().ljust(MAX_ANSWER_CHARS + 1, "…")[: MAX_ANSWER_CHARS + 1]
