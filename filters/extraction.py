r"""The committed answer of a response: the last box, else the last anchor, else the whole where it is one short line.

Anchors are "the answer is", "Answer:", "#### ", "A: ", 答案是 and the like.  A response that commits to different
values without taking the earlier ones back has no answer: it is uncommitted.
Every pattern is bounded or possessive, so time is linear in the response.
"""

import operator
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Generic, Literal, NamedTuple, TypeVar

from schemas.sample import THOUGHT_MARKS

T = TypeVar("T")
Source = Literal["box", "anchor", "whole"]

MAX_ANSWER_CHARS = 4096  # the static limit of inspect_ai's safe mathematics grader; anything longer is no answer
MAX_LINE_CHARS = 53  # the longest of MATH-500's 500 gold answers; CommonsenseQA's longest option has 31

# Super- and subscripts, vulgar fractions, circled and Roman numerals: NFKC would turn 4² into 42 and 1½ into 11/2.
_KEPT = "ª²³¹º¼-¾\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf⁰-₟⅐-\u218b①-⒛⓪-⓿❶-➓㉐-㉟㉈-㉏㊱-㊿㋀-㋋㍘-㍰㍱-㏾🄀-🄐"
_COMPATIBLE = re.compile(f"[^{_KEPT}]+")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))

_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_BRACE = re.compile(r"(\\(?:boxed|fbox)\s{0,3}\{)|\\.|[{}]", re.DOTALL)
_ANCHOR = re.compile(
    r"(?P<phrase>\b(?:the|my|our|final)\s(?:final\s|correct\s|right\s|best\s){0,2}(?:answer|option|choice)"
    r"(?:\sto\s(?:the|this)\s(?:question|problem))?\s(?:is|would\sbe)\b:?(?:\*\*(?=\s))?"
    r"|\banswer\*{0,2}\s?[:：](?:\*\*(?=\s))?"
    r"|^[\#*]{1,6}\s?\*{0,2}(?:final\s)?answer\*{0,2}$"
    r"|答案(?:\*{0,2}[:：]|[是为](?!否|什么|多少|几)[:：]?))"
    r"|(?P<label>^A:(?=\s))"
    r"|(?P<hashes>^\#{4}\s)",
    re.IGNORECASE | re.MULTILINE,
)
_UNASSERTED = re.compile(
    r"(?:\b(?:if|whether|unless|suppose|assume|assuming|say|like)\s(?:that\s)?|如果|假如|假设|若|是否)$",
    re.IGNORECASE,
)
_OPTION_B = re.compile(r"^B:", re.MULTILINE)
_CONTENT = re.compile(r"[^\s\\\[\]()$*#:：_>-]")
_SENTENCE_END = re.compile(r"\.(?=\**(?:\s|\Z))|[。；！]|,?\s(?:because|since)\s|[,，]?(?:因为|由于)", re.IGNORECASE)
_ABBREVIATIONS = frozenset(("st", "mr", "mrs", "ms", "dr", "jr", "sr", "vs", "mt", "prof", "approx"))
_TAKEN_BACK = re.compile(
    r"\b(?:i\s(?:made|have\smade)\s(?:a|an|one)\s(?:\w{1,20}\s)?(?:mistake|error)|i\swas\s(?:wrong|mistaken)"
    r"|i\smis(?:read|calculated|counted)"
    r"|(?:that|this)(?:\sis|'s|’s|\swas)\s(?:wrong|incorrect|not\s(?:right|correct))|scratch\sthat|my\smistake|oops"
    r"|no,?\swait|wait,?\sno\b|correction:|let\sme\s(?:correct|fix)|i\stake\s(?:that|it)\sback)|更正|纠正一下|算错了|弄错了|写错了|说错了|搞错了",
    re.IGNORECASE,
)


class Extraction(NamedTuple, Generic[T]):
    """What a response commits to.  `value` is None exactly where `reason` says why there is none."""

    text: str | None  # the committed answer as written, without outer spaces
    value: T | None  # the same as the checker's reader understood it
    source: Source | None
    reason: str  # "", "no_answer", "uncommitted" or "answer_unreadable"


class Candidate(NamedTuple):
    """One place where a text commits to an answer.  Offsets are code points into the section."""

    text: str
    source: Source
    start: int
    end: int


def final_section(response: str) -> str | None:
    """Return what follows the last closed thought: all where there are no marks, None where a thought never closes."""
    for opening, closing in THOUGHT_MARKS:
        if closing in response:
            response = response.rpartition(closing)[2]
        if opening in response:
            return None
    return response


def nfkc(text: str) -> str:
    """Return the NFKC form without invisible characters.  Super- and subscripts and circled digits stay."""
    if text.isascii():
        return text
    return _COMPATIBLE.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text.translate(_INVISIBLE))


def candidates(section: str) -> list[Candidate]:
    """Return every committed answer in order of position.  An anchor that leads to a box is the box."""
    boxes = _boxes(section) if _BOX.search(section) else []
    anchors = list(_anchors(section))
    if not boxes or not anchors:
        return boxes or anchors
    starts = [box.start for box in boxes]
    next_boxes = _next_starts(anchors, starts)
    kept = [anchor for anchor, next_box in zip(anchors, next_boxes, strict=True) if next_box > anchor.end]
    return sorted(boxes + kept, key=lambda candidate: candidate.start)


def extract_answer(response: str, read: Callable[[str], T | None], same: Callable[[T, T], bool] = operator.eq) -> Extraction[T]:
    """Return the answer that `response` commits to, as `read` understands it.

    `read` returns None for a text that is no answer of its kind; `same` says whether two values are one answer.
    The last box decides, else the last anchor, else the whole response where it is one line of up to `MAX_LINE_CHARS`.
    """
    section = final_section(response)
    if section is None:
        return Extraction(None, None, None, "no_answer")
    found = candidates(section)
    if not found:
        return _whole(section, read)
    if _TAKEN_BACK.search(section, found[-1].end):
        return Extraction(None, None, None, "uncommitted")
    standing = _standing(section, found)
    last = next((candidate for candidate in reversed(standing) if candidate.source == "box"), standing[-1])
    value = _read(last.text, read)
    if value is None:
        return Extraction(last.text[:MAX_ANSWER_CHARS], None, last.source, "answer_unreadable")
    if len(standing) > 1 and _contradicted(standing, last, value, read, same):
        return Extraction(None, None, None, "uncommitted")
    return Extraction(last.text, value, last.source, "")


def _read(text: str, read: Callable[[str], T | None]) -> T | None:
    return read(text) if len(text) <= MAX_ANSWER_CHARS else None


def _whole(section: str, read: Callable[[str], T | None]) -> Extraction[T]:
    line = section.strip()
    is_answer = len(line) <= MAX_LINE_CHARS and "\n" not in line and not _BOX.search(line)  # a box here is empty or open
    value = read(line) if is_answer else None
    return Extraction(None, None, None, "no_answer") if value is None else Extraction(line, value, "whole", "")


def _contradicted(
    standing: list[Candidate],
    last: Candidate,
    value: T,
    read: Callable[[str], T | None],
    same: Callable[[T, T], bool],
) -> bool:
    """Say whether another candidate commits to something else.  Prose after an anchor does not, a box always."""
    for text, source in {(candidate.text, candidate.source) for candidate in standing if candidate.text != last.text}:
        other = _read(text, read)
        if source == "box" if other is None else not same(other, value):
            return True
    return False


def _standing(section: str, found: list[Candidate]) -> list[Candidate]:
    """Return the candidates that no later words take back, up to the last one."""
    first = 0
    for index in range(1, len(found)):
        if _TAKEN_BACK.search(section, found[index - 1].end, found[index].start):
            first = index
    return found[first:]


def _boxes(section: str) -> list[Candidate]:
    r"""Return the outermost closed, non-empty \boxed and \fbox groups in one pass, however deep the braces go."""
    boxes: list[Candidate] = []
    opened: list[re.Match[str]] = []
    for match in _BRACE.finditer(section):
        token = match[0]
        if token[-1] == "{" and (token == "{" or match[1]):
            opened.append(match)
        elif token == "}" and opened:
            opening = opened.pop()
            content = _clipped(section, opening.end(), match.start()) if opening[1] else ""
            if content:
                while boxes and boxes[-1].start > opening.start():
                    boxes.pop()
                boxes.append(Candidate(content, "box", opening.start(), match.end()))
    return boxes


def _anchors(section: str) -> Iterator[Candidate]:
    """Yield the text after each strong anchor: the rest of its line or sentence, or the next line if that is empty."""
    matches = list(_asserted(section))
    limits = [match.start() for match in matches[1:]] + [len(section)]
    for match, limit in zip(matches, limits, strict=False):
        content = _CONTENT.search(section, match.end(), limit)
        if content is None:
            continue
        start = max(match.end(), section.rfind("\n", match.end(), content.start()) + 1)
        end = section.find("\n", content.start(), limit)
        end = limit if end < 0 else end
        if match["hashes"] is None:
            end = _sentence_end(section, start, end)
        text = _clipped(section, start, end).lstrip(":： ")
        if text.count("**") % 2:  # half of a pair whose other half is before the anchor or behind the sentence
            text = text.strip("*").strip()
        if text:
            yield Candidate(text, "anchor", match.start(), end)


def _asserted(section: str) -> Iterator[re.Match[str]]:
    """Yield the anchors that give an answer: not "if the answer is", not a list of options, not a Markdown heading."""
    last_line = section.rfind("\n", 0, len(section.rstrip())) + 1
    lists_options = _OPTION_B.search(section) is not None
    for match in _ANCHOR.finditer(section):
        if match["hashes"] is not None:  # GSM8K ends with it; in Markdown it opens a heading of the fourth level
            asserted = match.start() >= last_line or section[match.end() : match.end() + 1] in set("-$0123456789")
        elif match["label"] is not None:
            asserted = match[0] == "A:" and not lists_options
        else:
            asserted = not _UNASSERTED.search(section[max(0, match.start() - 20) : match.start()])
        if asserted:
            yield match


def _sentence_end(section: str, start: int, end: int) -> int:
    """Return where the sentence that starts at `start` ends, at most `end`.  An initial or a title ends no sentence."""
    for match in _SENTENCE_END.finditer(section, start, end):
        if match[0] != ".":
            return match.start()
        words = section[max(start, match.start() - 8) : match.start()].split()
        if not words or not (words[-1].casefold() in _ABBREVIATIONS or (len(words[-1]) == 1 and words[-1].isalpha())):
            return match.start()
    return end


def _clipped(section: str, start: int, end: int) -> str:
    """Return a candidate's text.  One that is too long keeps one character over the limit, so that it is never read."""
    if end - start <= MAX_ANSWER_CHARS:
        return section[start:end].strip()
    return section[start:end].strip()[: MAX_ANSWER_CHARS + 1]


def _next_starts(anchors: list[Candidate], starts: list[int]) -> Iterator[int]:
    """Yield for each anchor where the next box starts, both in order of position; past its end where there is none."""
    position = 0
    for anchor in anchors:
        while position < len(starts) and starts[position] < anchor.start:
            position += 1
        yield starts[position] if position < len(starts) else anchor.end + 1
