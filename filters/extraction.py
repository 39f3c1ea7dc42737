r"""The committed answer of a response: the last box, else the last anchor, else a conclusion at its end.

Anchors are "the answer is", "Answer:", "#### ", "A: ", <answer> tags, 答案是 and the like (`filters.anchors`).  Boxes that
one sentence joins, "x = \boxed{2}, y = \boxed{3}", commit to the pair, "2, 3", as common graders read them.  A response
that commits to different values without taking the earlier ones back, or that corrects its last one, has no answer: it
is uncommitted.  An answer that its own clause denies, doubts or ascribes to others, or a box inside a larger formula, is
unreadable.  A conclusion ("So the remainder is 5.", a last line of nothing but **18**) is weaker than an anchor.
Whether an answer may hold "or" or a plus-minus sign is for the comparison: the gold may hold them too.
Every pattern is bounded or possessive, so time is linear in the response.
"""

import operator
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from filters.anchors import anchors
from filters.boxes import boxes, in_context, is_denied, paired
from filters.candidates import MAX_ANSWER_CHARS as MAX_ANSWER_CHARS
from filters.candidates import Candidate, Source, lowered
from filters.commitment import Differs, hedged, revised, standing
from filters.conclusions import conclusions
from filters.phrases import NOT, WRONG, one_of
from filters.readings import is_prose, readings
from schemas.sample import THOUGHT_MARKS

T = TypeVar("T")
Read = Callable[[str], T | None]
Same = Callable[[T, T], bool]

_SPECIAL_TOKEN = re.compile(r"<\|[\w ]{1,40}\|>|</s>|<(?:eos|end_of_turn|eot)>")
_ANSWER_TAG = re.compile(rf"<(?:final[_ ]?)?answer>([^<]{{0,{MAX_ANSWER_CHARS}}})</(?:final[_ ]?)?answer>", re.IGNORECASE)
_PROGRAM = re.compile(r"```(?:python|py|sympy|javascript|js|java|c\+\+|cpp|c|bash|sh|sql|r|julia|matlab)\s*\n", re.IGNORECASE)
_DENIED = re.compile(rf"\b{one_of(f'{NOT}|{WRONG}')}\b|\\neq?\b|[不错]", re.IGNORECASE)
_DIGITS = re.compile("[0-9]+")
# What "the answer is" says of an answer without giving it; the second kind can be an answer where it is the only one.
_OF_THE_ANSWER = re.compile(
    r"(?:correct|consistent|valid|verified|confirmed|expressed|given\s(?:in|by|as)|found\s(?:by|in)|obtained|based\son|as\sfollows"
    r"|already\s)",
    re.IGNORECASE,
)
_MAYBE_OF_THE_ANSWER = re.compile(
    r"(?:reasonable|below|above|clear|unique|rounded|simplified|in\s(?:the|its|this|simplest|exact)\s"
    r"|an?\s(?:integer|whole|number|real|positive|negative|fraction)\b)",
    re.IGNORECASE,
)


class Extraction(NamedTuple, Generic[T]):
    """What a response commits to.  `value` is None exactly where `reason` says why there is none."""

    text: str | None  # the committed answer as written, without outer spaces
    value: T | None  # the same as the checker's reader understood it
    source: Source | None  # "conclusion" is weaker than "box" and "anchor"; "whole" is a response of one line
    reason: str  # "", "no_answer", "uncommitted" or "answer_unreadable"


def final_section(response: str) -> str | None:
    """Return what follows the last closed thought: all where there are no marks, None where a thought never closes."""
    for opening, closing in THOUGHT_MARKS:
        if closing in response:
            response = response.rpartition(closing)[2]
        if opening in response:
            return None
    return response


def extract_answer(response: str, read: Read[T], same: Same[T] = operator.eq) -> Extraction[T]:
    """Return the answer that `response` commits to, as `read` understands it.

    `read` returns None for a text that is no answer of its kind; `same` says whether two values are one answer.
    """
    section = final_section(response)
    if section is None or not section.strip():
        return Extraction(None, None, None, "no_answer")
    section = _without_markup(section)
    low = lowered(section)
    found = candidates(section, low)
    if found:
        return _decided(section, low, found, read, same)
    return _concluded(section, low, read, same)


def candidates(section: str, low: str) -> list[Candidate]:
    """Return every committed answer in order of position; `low` is `section` in lower case.

    An anchor that leads to a box is the box.
    """
    all_boxes = boxes(section) if "\\boxed" in section or "\\fbox" in section else []
    stated = anchors(section, low)
    if not all_boxes and len(stated) == 1 and stated[0].lead != "phrase":
        return stated
    starts = [box.start for box in all_boxes]
    kept = [one for one in stated if bisect_left(starts, one.start) == bisect_left(starts, one.end + 1)]
    found = sorted(all_boxes + kept, key=lambda one: (one.start, one.end))
    led = [one for one, following in zip(found, [*found[1:], None], strict=False) if not _announces_box(one, following)]
    given = [one for one in led if one.lead != "phrase" or not _OF_THE_ANSWER.match(one.text)]
    return [one for one in given if one.lead != "phrase" or not _MAYBE_OF_THE_ANSWER.match(one.text)] or given


def _announces_box(one: Candidate, following: Candidate | None) -> bool:
    """Say whether an anchor only announces the box that comes next: a heading, or a colon at its end."""
    if following is None or following.source != "box" or one.source == "box":
        return False
    return one.lead == "heading" or one.text.endswith((":", "："))


def _decided(section: str, low: str, found: list[Candidate], read: Read[T], same: Same[T]) -> Extraction[T]:
    """Return what the candidates that stand agree on."""
    stands = found if len(found) == 1 else _standing(low, found)
    stands, last = _deciding(section, stands, read)
    last, unit = in_context(section, low, last) if last.source == "box" else (last, "")
    text, value = understood(last, unit, read)
    if revised(low, max(one.end for one in found), text, _differs(value, read, same)):
        return Extraction(None, None, None, "uncommitted")
    others = [one for one in stands if one.start != last.start]
    if value is not None and _contradicted(others, value, read, same):
        return Extraction(None, None, None, "uncommitted")
    doubted = (last.source == "anchor" and hedged(last.text)) or any(_denies(one, read) for one in others if one.start > last.start)
    if value is None or not last.clear or doubted:
        return Extraction(text[:MAX_ANSWER_CHARS], None, last.source, "answer_unreadable")
    return Extraction(text, value, last.source, "")


def _standing(low: str, found: list[Candidate]) -> list[Candidate]:
    r"""Return the candidates that are not taken back, and not denied as the first in "not \boxed{5} but \boxed{6}"."""
    stands = standing(low, found)
    return [one for one in stands[:-1] if one.source != "box" or not is_denied(low, one)] + stands[-1:]


def _deciding(section: str, stands: list[Candidate], read: Read[T]) -> tuple[list[Candidate], Candidate]:
    """Return the candidates and the one that decides: the last box or pair of boxes, else the last anchor that is no prose."""
    all_boxes = [one for one in stands if one.source == "box"]
    if len(all_boxes) > 1 and (pair := paired(section, all_boxes)) is not None and _read(pair.text, read) is not None:
        return [one for one in stands if one.source != "box" or one.start < pair.start] + [pair], pair
    if all_boxes or len(stands) == 1:
        return stands, all_boxes[-1] if all_boxes else stands[-1]
    for one in reversed(stands):
        says = any(map(str.isdigit, one.text)) and not is_prose(one.text)
        if says or _DENIED.search(one.text) or understood(one, "", read)[1] is not None:
            return stands, one
    return stands, stands[-1]


def _contradicted(others: list[Candidate], value: T, read: Read[T], same: Same[T]) -> bool:
    """Say whether another candidate commits to something else.  Prose after an anchor does not, a box always."""
    for one in {(one.text, one.source): one for one in others}.values():
        if one.source == "anchor" and is_prose(one.text) and len(_DIGITS.findall(one.text)) > 1:
            continue
        other = understood(one, "", read)[1]
        if one.source == "box" if other is None else not same(other, value):
            return True
    return False


def _concluded(section: str, low: str, read: Read[T], same: Same[T]) -> Extraction[T]:
    """Return what the first conclusion that `read` understands commits to."""
    for one in conclusions(section, low):
        if one.text and (value := _read(one.text, read)) is not None:
            if revised(low, one.end, one.text, _differs(value, read, same)):
                return Extraction(None, None, None, "uncommitted")
            return Extraction(one.text, value, one.source, "")
    return Extraction(None, None, None, "no_answer")


def _differs(value: T | None, read: Read[T], same: Same[T]) -> Differs:
    """Return the function that says of a text whether it is another value than `value`, None where either is no value."""

    def differs(text: str) -> bool | None:
        other = None if value is None else _read(text, read)
        return None if value is None or other is None else not same(other, value)

    return differs


def _denies(one: Candidate, read: Read[T]) -> bool:
    return _DENIED.search(one.text) is not None and understood(one, "", read)[1] is None


def _read(text: str, read: Read[T]) -> T | None:
    return read(text) if len(text) <= MAX_ANSWER_CHARS else None


def understood(one: Candidate, unit: str, read: Read[T]) -> tuple[str, T | None]:
    """Return the first reading of a candidate that `read` understands; the whole text and None where it understands none."""
    if unit and (value := _read(f"{one.text} {unit}", read)) is not None:
        return f"{one.text} {unit}", value
    if one.source == "box" or len(one.text) > MAX_ANSWER_CHARS:
        return one.text, _read(one.text, read)
    for text in readings(one):
        if text and (value := read(text)) is not None:
            return text, value
    return one.text, None


def _without_markup(section: str) -> str:
    """Return `section` without special tokens and programs, and with <answer> tags as an anchor."""
    if "<|" in section or "</s>" in section or "<e" in section:
        section = _SPECIAL_TOKEN.sub("\n", section)
    if "nswer>" in section or "NSWER>" in section:
        section = _ANSWER_TAG.sub(lambda tag: f"\n\nAnswer: {tag[1]}\n\n", section)
    if "```" not in section:
        return section
    kept: list[str] = []
    end = 0
    while (opening := _PROGRAM.search(section, end)) is not None:
        kept.append(section[end : opening.start()])
        closing = section.find("```", opening.end())
        end = len(section) if closing < 0 else closing + 3
    return "\n".join([*kept, section[end:]])
