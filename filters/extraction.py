r"""The committed answer of a response: the last box, else the last anchor, else the whole where it is one short line.

Anchors are "the answer is", "Answer:", "#### ", "A: ", 答案是 and the like.  A response that commits to different
values without taking the earlier ones back, or that corrects its last one, has no answer: it is uncommitted.  An answer
that its own clause denies, doubts or ascribes to others, or a box inside a larger formula, is unreadable.
Every pattern is bounded or possessive, so time is linear in the response.
"""

import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Generic, Literal, NamedTuple, TypeVar

from schemas.sample import THOUGHT_MARKS

T = TypeVar("T")
Read = Callable[[str], T | None]
Same = Callable[[T, T], bool]
Source = Literal["box", "anchor", "whole"]

MAX_ANSWER_CHARS = 4096  # the static limit of inspect_ai's safe mathematics grader; anything longer is no answer
MAX_LINE_CHARS = 53  # the longest of MATH-500's 500 gold answers; CommonsenseQA's longest option has 31
MAX_CONCLUSION_WORDS = 3  # our rule: "So London." is another answer, "So the trip takes a day." is prose

_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_BRACE = re.compile(r"(\\(?:boxed|fbox)\s{0,3}\{)|\\.|[{}]", re.DOTALL)
_ANCHOR = re.compile(
    r"(?P<phrase>\b(?:the|my|our|final)\s(?:final\s|correct\s|right\s|best\s){0,2}(?:answer|option|choice)"
    r"(?:\sto\s(?:the|this)\s(?:question|problem))?\s(?:is|would\sbe)\b:?(?:\*\*(?=\s))?"
    r"|\banswer\*{0,2}\s?[:：](?:\*\*(?=\s))?|^[\#*]{1,6}\s?\*{0,2}(?:final\s)?answer\*{0,2}$"
    r"|答案(?:\*{0,2}[:：]|[是为](?!否|什么|多少|几)[:：]?))"
    r"|(?P<label>^A:(?=\s))|(?P<hashes>^\#{4}\s)",
    re.IGNORECASE | re.MULTILINE,
)
_UNASSERTED = re.compile(r"(?i)(?:\b(?:if|whether|unless|suppose|assum(?:e|ing)|say|like)\s(?:that\s)?|如果|假如|假设|若|是否)$")
_OPTION_B = re.compile(r"^[BQ]:", re.MULTILINE)
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

# What may stand before an anchor or a box in its clause, and what may not.
_CLAUSE = re.compile(r"[.!?](?=[\s*])|[。；;！？]|\b(?:so|therefore|thus|hence)\b|所以|因此", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:if|unless|whether|suppose|assum\w{1,4}|imagine|pretend|not|never|cannot|\w{1,8}n['’]t|nobody|neither|nor|doubt\w{0,4}"
    r"|false|wrong|incorrect|unlikely|might|could|guess|naive|student|student['’]s|your|his|her|their|previous|old|example|format)\b"
    r"|\\(?:not|neq?)(?![A-Za-z])|[≠不没错若否]|如果|假如|假设|怀疑|学生|例",
    re.IGNORECASE,
)
_LEAD = re.compile(
    r"(?:^|[,，:：、—(]|\b(?:and|but|then|finally|means|follows|shows|gives|yields|end\sup\swith|confident|certain|(?:i|we)\s(?:can\s)?(?:think|believe|know|find|see|get|conclude))"
    r"(?:\sthat)?(?=\s))[\s*_\#>-]{0,8}(?:(?:the|my|our|final|correct|right|best|short|same)\s){0,3}"
    r"(?:最终|最后|正确|标准|本题|(?:这道|此|该|本)?(?:问题|题目?)的?)?$",
    re.IGNORECASE,
)
_BULLET = re.compile(r"\s{0,8}(?:[-*+]|[0-9]{1,2}[.)])\s{1,4}(?:\$|\\\(|\*\*){0,2}")
_BEFORE_BOX = re.compile(
    r"(?:^\#{0,6}|(?<![!<>])=|≈|&|(?<!\d)[:：,，(]|\\(?:approx|implies|Rightarrow|therefore|q?quad)|\\text\{[^{}]{0,40}\}"
    r"|[\u4e00-\u9fff]|(?<![\\A-Za-z])(?!(?:minus|negative|plus|times|twice|half|than|least|most|over|under|log|ln|sin|cos|tan|sqrt)\b)"
    r"[^\W\d_]{2,20})(?:[\s*_>]|\\?\$|\\[(\[,;: !]){0,12}$"
)
_CLOSERS = r"(?:[^\S\n]|\$|\\[)\],;: !]|[*)_\"”]){0,12}+"
_PERCENT = re.compile(_CLOSERS + r"\\?%")
_AFTER_BOX = re.compile(
    _CLOSERS
    + r"(?!(?:\\(?:text|mathrm|mbox)\s?\{\s?)?(?:hundred|thousand|[mbtr]{1,2}illion|dozen|percent|times|and|or|to|plus|minus|over"
    r"|divided|mod|half|squared|cubed|doubled|tripled|twice|tens|mn|bn|below|off|is\sthe\swrong)|[一-十百千万亿兆倍或到至不非])"
    r"(?:$|\.(?!\d)|[,;，；](?!\s?[-\d$\\])|。|<\||\\\\|&|\\q?quad|\\(?:text|mathrm|mbox)\s?\{|[^\W\d_]{2}|[\u4e00-\u9fff]|(?<=\s)\()",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|never|cannot|\w{1,8}n['’]t|wrong|incorrect|false)\b|\\neq?\b|不|错", re.IGNORECASE)
# What may not follow the last answer: a correction, or a conclusion with another value.
_CORRECTED = re.compile(
    r"\b(?:actually|wait|sorry|hmm+|instead|rather(?=,)|i\smean|correction|should(?:\shave)?\sbe(?:en)?|otherwise|however|not\s(?:right|correct|sure)"
    r"|(?:no|nope)(?=[,:.!]))\b|\b(?:can(?:no|['’])t|cannot|couldn['’]t)\sbe\b|(?:this|that|it)\sis\sfalse|(?:change|make)\s(?:that|it)\s|[❌✗]|其实|不对|应该是|等等"
    r"|(?:(?P<others>\bothers?\s(?:\w{1,12}\s)?(?:are|is)\s)|\(?\b(?P<other>[A-Z])\)?\s(?:is|was)\s)?\b(?:wrong|incorrect)\b",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(
    r"(?:(?P<so>\b(?:so|therefore|thus|hence)\b|所以|因此)|\b(?:total|but|(?:re-?|double[-\s])check|(?:real|true|right|correct)\s\w{1,12}\s(?:is|was)|(?:it|that|this)\s(?:is|must\sbe|makes)|it['’]s)\b)(?P<rest>(?:[^\n.。]|\.(?=\d)){0,200})",
    re.IGNORECASE,
)
_NEXT = re.compile(r"(?:[\s$*.,;)\]]|\\[)\]]|(?:or|and)\s|<\|\w{1,20}\|>){0,40}+(?!1[.)]\s)(?P<rest>(?:[^\n.。]|\.(?=\d)){1,200})")
_STARTS_WITH_NUMBER = re.compile(r"(?:\\(?:times|cdot|div|pm)|[-+−*/×÷=^x$€£¥ ]){0,4}[0-9]")
_NUMBER = re.compile(r"[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?")


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
    clear: bool = True  # whether its clause asserts it


def final_section(response: str) -> str | None:
    """Return what follows the last closed thought: all where there are no marks, None where a thought never closes."""
    for opening, closing in THOUGHT_MARKS:
        if closing in response:
            response = response.rpartition(closing)[2]
        if opening in response:
            return None
    return response


def candidates(section: str) -> list[Candidate]:
    """Return every committed answer in order of position.  An anchor that leads to a box is the box."""
    boxes = _boxes(section) if _BOX.search(section) else []
    anchors = list(_anchors(section))
    starts = [box.start for box in boxes]
    kept = [anchor for anchor in anchors if bisect_left(starts, anchor.start) == bisect_left(starts, anchor.end + 1)]
    return sorted(boxes + kept, key=lambda candidate: candidate.start)


def extract_answer(response: str, read: Read[T], same: Same[T] = operator.eq) -> Extraction[T]:
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
    standing = _standing(section, found)
    last = _in_context(section, next((one for one in reversed(standing) if one.source == "box"), standing[-1]))
    value = _read(last.text, read)
    if _TAKEN_BACK.search(section, found[-1].end) or _revised(section, found[-1].end, last.text, value, read, same):
        return Extraction(None, None, None, "uncommitted")
    if value is not None and len(standing) > 1 and _contradicted(standing, last, value, read, same):
        return Extraction(None, None, None, "uncommitted")
    denied = (one for one in standing if one.start > last.start and _DENIED.search(one.text) and _read(one.text, read) is None)
    if value is None or not last.clear or any(denied):
        return Extraction(last.text[:MAX_ANSWER_CHARS], None, last.source, "answer_unreadable")
    return Extraction(last.text, value, last.source, "")


def _read(text: str, read: Read[T]) -> T | None:
    return read(text) if len(text) <= MAX_ANSWER_CHARS else None


def _whole(section: str, read: Read[T]) -> Extraction[T]:
    line = section.strip()
    is_answer = len(line) <= MAX_LINE_CHARS and "\n" not in line and not _BOX.search(line)  # a box here is empty or open
    value = read(line) if is_answer else None
    return Extraction(None, None, None, "no_answer") if value is None else Extraction(line, value, "whole", "")


def _contradicted(standing: list[Candidate], last: Candidate, value: T, read: Read[T], same: Same[T]) -> bool:
    """Say whether another candidate commits to something else.  Prose after an anchor does not, a box always."""
    for text, source in {(candidate.text, candidate.source) for candidate in standing if candidate.start != last.start}:
        other = _read(text, read)
        if source == "box" if other is None else not same(other, value):
            return True
    return False


def _line_before(section: str, start: int) -> str:
    return section[max(0, start - 400) : start].rpartition("\n")[2]


def _clause(section: str, start: int) -> str:
    """Return what stands before `start` in its clause, at most 400 characters of it."""
    return _CLAUSE.split(_line_before(section, start))[-1]


def _in_context(section: str, one: Candidate) -> Candidate:
    r"""Return a box with its percent sign, and not clear where it is part of a larger formula or denied: -\boxed{5}."""
    if one.source != "box":
        return one
    before, after = _clause(section, one.start), section[one.end : one.end + 400].partition("\n")[0]
    percent = _PERCENT.match(after)
    after = after[percent.end() if percent else 0 :]
    leads = _BULLET.fullmatch(_line_before(section, one.start)) or (_BEFORE_BOX.search(before) and not _DOUBT.search(before))
    clear = leads and _AFTER_BOX.match(after) and not _DENIED.search(after, 0, _sentence_end(after, 0, len(after)))
    return one._replace(text=one.text + "\\%" * bool(percent), clear=bool(clear))


def _revised(section: str, end: int, text: str, value: T | None, read: Read[T], same: Same[T]) -> bool:
    """Say whether what follows `end`, where the last answer ends, corrects it or goes on to another value."""

    def differs(other: str) -> bool:
        found = _read(other, read)
        return value is not None and found is not None and not same(found, value)

    for match in _CORRECTED.finditer(section, end):
        if not match["others"] and not (match["other"] and differs(match["other"])):
            return True
    following = _NEXT.match(section, end)
    if following and len(label := following["rest"].strip(" ()*$")) == 1 and differs(label):
        return True
    rests = [following["rest"]] if following and _STARTS_WITH_NUMBER.match(following["rest"]) else []
    for match in _CONCLUDED.finditer(section, end):
        words = match["rest"].strip(" ,:，：$*")
        if match["so"] and 0 < len(words.split()) <= MAX_CONCLUSION_WORDS and differs(words):
            return True
        rests.append(words)
    numbers = [found[-1] for rest in rests if (found := _NUMBER.findall(rest))]
    return any(character.isdigit() for character in text) and any(differs(number) for number in numbers)


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
            clause = _clause(section, match.start())
            clear = match["phrase"] is None or bool(_LEAD.search(clause) and not _DOUBT.search(clause))
            yield Candidate(text, "anchor", match.start(), end, clear)


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
    return section[start:end].strip()[: MAX_ANSWER_CHARS + 1]
