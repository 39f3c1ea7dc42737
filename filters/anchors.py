"""Anchors: words that lead to a committed answer ("the answer is", "Answer:", "####", 答案是) or follow it ("B is the answer")."""

import collections
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from filters.candidates import Candidate, clause_before, clipped, line_before, line_end, sentence_end
from filters.phrases import CHINESE_HEDGES, CHINESE_IF, HEDGES, NOT, REPORTED, SO, SUPPOSED, WRONG, one_of

MAX_ANCHORS = 200  # of each kind, the last ones count; the most in one of 1,000 real answers to MATH-500 is 4
MAX_REVERSED_CHARS = 60  # our rule: what stands before "is the answer" is longer only where it is prose
MAX_REVERSED_WORDS = 5  # the same
MAX_ITEMS = 26  # as many as there are labels; a longer list is no answer

# "our final answer to the problem is therefore": the noun, an aside, what it is an answer to, a verb or a mark, adverbs.
_ABOUT = r",?\s(?:to|for|in|rounded|expressed|we|that|i|when|after)\b[^.:;\n?!=]{0,60}?"
_VERBS = (
    r"is|are|was|would be|should be|must be|will be|has to be|equals|comes (?:out )?to|turns out to be|works out to(?: be)?|becomes"
    r"|of(?=\s[-$\\(*\d])"
)
_ADVERBS = (
    "simply|just|therefore|thus|then|hence|indeed|clearly|obviously|still|exactly|also|now|definitely|certainly|of course|equal to"
    "|given by|going to be|option|choice"
)
_STATED = re.compile(
    r"(?<![a-z])(?:(?P<noun>answers?|ans)|option|choice|(?<=final )(?:results?|values?|solutions?)"
    r"|(?<=correct )(?:statement|letter|response))(?![a-z])"
    r"[*_`]{0,3}(?:\s(?:letter|choice|option)(?![a-z]))?(?P<aside>\s\([^()\n]{1,40}\))?"
    r"(?:(?P<mark>\s?[*_`]{0,3}\s?(?:[:：]|=(?!=)|→|⇒|->|\s[-–—](?=\s)))"
    rf"|(?P<verb>(?:{_ABOUT})?(?:,?\s(?:{SO}|then|here|now),?)?\s{one_of(_VERBS)}(?![a-z]))|(?P<bare>(?=\s(?:\$|\\\(|\*\*)?-?\d)))"
    rf"(?:,?\s{one_of(_ADVERBS)}(?![a-z]),?){{0,3}}(?:[ ]?[:：])?(?:\*\*(?=\s))?"
)
_NOUNS = ("answer", "option", "choice", "final ", "correct ", "ans:", "ans =")
_QUALITIES = (
    "final|correct|right|best|short|same|exact|numeric|numerical|simplified|required|desired|only|possible|overall|actual|real|true|ultimate"
    "|complete|resulting|closest|appropriate|suitable|accurate|most|likely|logical|answer"
)
_DETERMINED = re.compile(
    rf"(?<![\w'’])(?:(?P<the>the|my|our|(?P<a>an?))[\s*_]{{1,4}})?(?:{one_of(_QUALITIES)}[\s*_]{{1,4}}){{0,4}}[*_`]{{0,3}}$"
)
_CLAUSE_START = re.compile(
    rf"(?:^|[^\w\s'’]|\b(?:and|but|then|that|finally|step\s\d{{1,2}}|{one_of(SO)})|[\u4e00-\u9fff])\s{{0,8}}$"
)
_GIVES = re.compile(r"\b(?:get|gets|gives?|giving|yields?|yielding|obtain|obtains|to|for|have|reach|find)\s$")
_CHOOSING = (" choose ", " pick ", " select ", " go with ")
_CHOSEN = re.compile(
    r"\bi(?:['’]d|['’]ll|\swould|\swill)?\s(?:choose|pick|select|go\swith)\s(?:(?:the\s)?(?:answer|option|choice)\s)?(?=[*(]{0,3}[a-j](?:[*).,:]|\s?$))",
    re.MULTILINE,
)
_HEADING = re.compile(
    r"^[\#*_>\d. ]{0,12}(?:step\s\d{1,2}[:.]\s)?(?:the\s|our\s|my\s)?(?:final\s|short\s|correct\s)?(?:answer|result)[*_: ]{0,5}$",
    re.MULTILINE,
)
_LABEL = re.compile(r"A:(?=\s)")
_OPTION_B = re.compile(r"^[BQ]:", re.MULTILINE)
_HASHES = re.compile(r"^\#{4}\s", re.MULTILINE)
_CHINESE = re.compile(
    r"(?P<phrase>(?:最终|最后|正确|标准|本题|此题|该题|所求)?的?答案\*{0,2}\s?(?:[:：】]|(?:应该?|就|即)?(?:是|为|等于|选)(?!否|什么|多少|几|不|错)\s?[:：]?)"
    r"|正确的?选项(?:应该?)?(?:是|为|[:：])\s?[:：]?|(?:最终|最后)的?(?:结果|得数|值)\s?(?:[:：]|(?:应该?|就|即)?(?:是|为|等于))\s?[:：]?"
    r"|(?:(?:故|应|应该|所以|因此|因而|本题|此题|我|只能|综上)|^|(?<=[，,。；：:\s*]))选(?:择|项为|项是)?\s?[:：]?\s?"
    r"(?=\*{0,2}[(（【]?\s?[A-JＡ-Ｊ](?![A-Za-z])))|(?P<reply>^\*{0,2}答\s?[:：])",
    re.MULTILINE,
)

# "44 is the correct answer", "gives 44 as the final answer", 选项B正确.
_REVERSED = re.compile(
    rf"\s(?:is|are|must\sbe)\s(?:(?:{SO}|indeed|clearly|also)\s)?"
    r"(?:(?:the|our|my)\s(?:(?:final|correct|right|best|only|most|appropriate|likely)\s){0,3}(?:answer|option|choice)"
    r"|the\s(?:correct|right)\s(?:value|number|result|solution|remainder|one)|(?P<correct>correct))"
    r"(?=\*{0,2}(?:[.,;!)✅✓]|\s{0,8}$|\s(?:because|since|as|to|of|for|here)\b))",
    re.MULTILINE,
)
_AS_ANSWER = re.compile(r"\sas\s(?:the|our|my)\s(?:final\s|correct\s){0,2}(?:answer|option|choice)\b")
_AS_VERB = re.compile(
    r"\b(?:get|gets|got|gives?|gave|giving|found|had|have|obtain|yields?|yielding|find|is|choose|pick|select|leaving|with)\s"
)
_SUBJECT = re.compile(rf"[.!?:;,，。\n](?=[\s*(])|\b(?:{SO}|that|confident|and|but|means|think|believe|since|because)(?![a-z])")
_NO_SUBJECT = re.compile(
    r"\b(?:this|that|it|which|what|who|here|there|neither|none|nor|not|no|only|answer|options?\s(?:above|below)|both|all|each|one|statement|if|nothing)\b"
)
_ONE_LABEL = re.compile(r"[\s*(]{0,4}(?:(?:the\s)?(?:option|choice|answer)\s)?[*(]{0,3}[a-z][*).]{0,3}")
_CHINESE_LABEL = r"[(（]?[A-JＡ-Ｊ][)）]?"
_CHINESE_REVERSED = re.compile(
    rf"(?<![不没非若否])(?<!如果)(?:选项\s?(?P<one>{_CHINESE_LABEL})\s?(?:是|为)?(?:正确|对)的?(?:选项|答案)?"
    rf"|(?P<two>{_CHINESE_LABEL})\s?(?:选项|项)?\s?(?:是|为)?正确(?:的|答案|选项)?)(?=[。，,.!！；\s]|$)"
)

# What before an anchor supposes, denies, doubts or ascribes it.
_UNASSERTED = re.compile(
    rf"(?:\b(?:if|whether|unless|suppose|assum(?:e|ing)|say|like)\s(?:that\s)?|{one_of(CHINESE_IF)}|[是否不没])$"
)
_OTHERS = r"students?|student['’]s|your|his|her|their|previous|old|example|format|friend|they|people|someone|everyone|rumou?r|myth"
_DOUBTS = (
    r"nobody|no (?:one|way|chance)|neither|nor|doubt\w{0,4}|unlikely|impossible|might|could|may|guess\w{0,3}|naive|hopes?"
    r"|wish\w{0,2}|mistake\w{0,5}"
)
_DOUBT = re.compile(
    rf"\b{one_of(f'{SUPPOSED}|{NOT}|{WRONG}|{HEDGES}|{REPORTED}|{_OTHERS}|{_DOUBTS}')}\b|\\(?:not|neq?)(?![a-z])|[≠不没错若否]|怀疑|学生|例"
    rf"|{one_of(CHINESE_IF)}|{one_of(CHINESE_HEDGES)}|(?<!我)(?:说|声称|认为|以为)"
)
_NO_DOUBT = re.compile(r"\bnot\s(?:hard|difficult|surprising\w{0,2})\b|\b(?:no|without)\s(?:a\s)?doubt\b")
_STRONG_DOUBT = re.compile(
    rf"^\W{{0,8}}(?:(?:then|but|and|now)\s)?(?:say|{one_of(SUPPOSED)})\b|\b{one_of(f'{REPORTED}|doubt|false|untrue')}\b"
    rf"|\b(?:might|could|would)\s(?:think|say|guess|believe|expect)\b|\baccording\sto\s(?!the\b|our\b|my\b|th[ei]s)|^\W{{0,8}}{one_of(CHINESE_IF)}"
)

_CONTENT = re.compile(r"[^\s\\\[\]()$*#:：_>`|-]")
_FENCE = re.compile(r"[`~]{3,}\w{0,20}[ \t]*\n")
_NOTHING = "i|we|think|believe|get|find|conclude|have|that|then|and|but|finally|because|since|yes"
_EMPTY = re.compile(rf"(?:{SO}|{_NOTHING}|\W){{0,40}}")
_BULLET = re.compile(r"[ \t]{0,8}[-*+•][ \t]{1,4}")
_FIRST_ITEM = re.compile(r"[ \t]{0,8}(?:[-*+•]|\(?(?:1|a|i)[.)])[ \t]", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]{0,8}(?:[-*+•]|\(?(?:[0-9]{1,2}|[a-z]|i{1,3}|iv)[.)])[ \t]{1,4}", re.IGNORECASE)
_BEGIN = re.compile(r"\\begin\s?\{([a-zA-Z]{1,12}\*?)\}")


class _Lead(NamedTuple):
    """The words that lead to an answer, and whether they assert it."""

    start: int
    end: int
    kind: str  # "phrase", "mark", "heading", "reply", "label" or "hashes"
    clear: bool = True


def anchors(section: str, low: str) -> list[Candidate]:
    """Return what each anchor leads to: the rest of its sentence or line, or the next line if that is empty."""
    leads = sorted(_leads(section, low))
    limits = [lead.start for lead in leads[1:]] + [len(section)]
    found = [one for lead, limit in zip(leads, limits, strict=False) if (one := _led(section, low, lead, limit)) is not None]
    if "answer" in low or "option" in low or "choice" in low or "correct" in low:
        found += _reversed(section, low)
    if not section.isascii():
        reversals = _last_of(_CHINESE_REVERSED.finditer(section))
        found += [Candidate(one["one"] or one["two"], "anchor", one.start(), one.end(), True, "reversed") for one in reversals]
    return found


def _last_of(matches: Iterator[re.Match[str]]) -> Iterable[re.Match[str]]:
    """Return the last `MAX_ANCHORS` matches: so many are no honest text, and time stays bounded."""
    return collections.deque(matches, maxlen=MAX_ANCHORS)


def _leads(section: str, low: str) -> Iterator[_Lead]:
    """Yield the leads of each kind; cheap tests for their words come before their patterns."""
    if "answer" in low:
        for match in _last_of(_HEADING.finditer(low)):
            yield _Lead(match.start(), match.end(), "heading")
    if any(word in low for word in _NOUNS):
        for match in _last_of(_STATED.finditer(low)):
            if (lead := _stated(low, match)) is not None:
                yield lead
    if any(word in low for word in _CHOOSING):
        for match in _last_of(_CHOSEN.finditer(low)):
            yield _Lead(match.start(), match.end(), "phrase", _unopposed(clause_before(low, match.start())))
    if "A:" in section:
        yield from _labels(section)
    if "####" in section:
        yield from _hashes(section)
    if not section.isascii():
        for match in _last_of(_CHINESE.finditer(section)):
            if not _UNASSERTED.search(section[max(0, match.start() - 20) : match.start()]):
                clear = match["phrase"] is None or _unopposed(clause_before(section, match.start()))
                yield _Lead(match.start(), match.end(), "phrase" if match["phrase"] else "reply", clear)


def _labels(section: str) -> Iterator[_Lead]:
    """Yield each "A:" that begins a line, but none where there is a "B:" or a "Q:" too."""
    starts = [one for one in _last_of(_LABEL.finditer(section)) if one.start() == 0 or section[one.start() - 1] == "\n"]
    if starts and _OPTION_B.search(section) is None:
        yield from (_Lead(one.start(), one.end(), "label") for one in starts)


def _hashes(section: str) -> Iterator[_Lead]:
    """Yield each "####" that ends a solution of GSM8K; in Markdown it opens a heading of the fourth level."""
    last_line = section.rfind("\n", 0, len(section.rstrip())) + 1
    for match in _last_of(_HASHES.finditer(section)):
        if match.start() >= last_line or section[match.end() : match.end() + 1] in set("-$0123456789"):
            yield _Lead(match.start(), match.end(), "hashes")


def _stated(low: str, match: re.Match[str]) -> _Lead | None:
    """Return the lead with the words that belong to it, "our final answer is"; None where it is no statement of one's own."""
    window = low[max(0, match.start() - 60) : match.start()]
    determined = _DETERMINED.search(window)
    start = match.start() - (len(window) - determined.start() if determined else 0)
    named = determined is not None and determined["the"] is not None
    if determined is not None and determined["a"] and (match["verb"] or "").strip() != "of":  # "a possible answer is 5"
        return None
    if not match["noun"] and start == match.start():
        return None
    before = line_before(low, start)[-24:]
    begins = _CLAUSE_START.search(before) is not None
    if match["bare"] is not None and not (named and _GIVES.search(before)):
        return None
    if match["verb"] is not None and not named and not begins:
        return None
    if _UNASSERTED.search(low[max(0, start - 20) : start]):
        return None
    clear = (named or begins) and _unopposed(clause_before(low, start)) and not _DOUBT.search(match["aside"] or "")
    return _Lead(start, match.end(), "phrase" if match["mark"] is None else "mark", clear)


def _unopposed(clause: str) -> bool:
    """Say whether nothing in the clause before an anchor denies, doubts or ascribes it.  "Since A is wrong, …" is a reason."""
    clause = _NO_DOUBT.sub("", clause)
    head, comma, rest = clause.rpartition("，" if "，" in clause else ",")
    return not _DOUBT.search(rest) and not (comma and _STRONG_DOUBT.search(head))


def _led(section: str, low: str, lead: _Lead, limit: int) -> Candidate | None:
    """Return what `lead` leads to before `limit`, None where there is nothing."""
    start, end = _line_with_content(section, lead.end, limit)
    while (
        end and section[start:end].rstrip(" *").endswith((":", "：")) and (following := _line_with_content(section, end, limit))[1]
    ):
        start, end = following
    if not end:
        return None
    opening = _BEGIN.search(section, start, end)
    if opening and (closing := section.find(f"\\end{{{opening[1]}}}", opening.end(), limit)) >= 0:
        end = line_end(section, closing, limit)
    elif _FIRST_ITEM.match(section, start, end) and len(items := _items(section, start, limit)) > 1:
        text, end = ", ".join(section[slice(*item)].strip() for item in items), items[-1][1]
        return Candidate(text, "anchor", lead.start, end, lead.clear, lead.kind)
    else:
        if start > lead.end and (bullet := _BULLET.match(section, start, end)):
            start = bullet.end()
        end = end if lead.kind == "hashes" else sentence_end(low, start, end)
    text = clipped(section, start, end).lstrip(":： ")
    if end == limit < len(section) and _EMPTY.fullmatch(text.lower()):  # the next anchor says it: "Answer: I think the answer is 5"
        return None
    if text.count("**") % 2:  # half of a pair whose other half is before the anchor or behind the sentence
        text = text.strip("*").strip()
    return Candidate(text, "anchor", lead.start, end, lead.clear, lead.kind) if text else None


def _line_with_content(section: str, start: int, limit: int) -> tuple[int, int]:
    """Return the bounds of the rest of the line, or of the next line, that holds more than marks; (0, 0) where none does."""
    while (content := _CONTENT.search(section, start, limit)) is not None:
        begin = max(start, section.rfind("\n", start, content.start()) + 1)
        fence = _FENCE.match(section, begin, limit)
        if fence is None:
            return begin, line_end(section, content.start(), limit)
        start = fence.end()
    return 0, 0


def _items(section: str, start: int, limit: int) -> list[tuple[int, int]]:
    """Return the bounds of the lines of the list that begins at `start`: an answer of several parts is all of them."""
    items: list[tuple[int, int]] = []
    while len(items) < MAX_ITEMS and (item := _ITEM.match(section, start, limit)):
        end = line_end(section, item.end(), limit)
        items.append((item.end() if item[0].strip() in "-*+•" else start, end))
        start = min(end + 1, limit)
    return items


def _reversed(section: str, low: str) -> Iterator[Candidate]:
    """Yield what stands before "is the correct answer" and "as our answer"."""
    for match in _last_of(_REVERSED.finditer(low)):
        subject = _SUBJECT.split(line_before(low, match.start())[-MAX_REVERSED_CHARS:])[-1]
        is_short = len(subject.split()) <= MAX_REVERSED_WORDS
        if (_ONE_LABEL.fullmatch(subject) if match["correct"] else is_short) and not _NO_SUBJECT.search(subject):
            yield from _subject(section, low, subject, match)
    for match in _last_of(_AS_ANSWER.finditer(low)):
        before = line_before(low, match.start())[-MAX_REVERSED_CHARS:]
        subject = _AS_VERB.split(before)[-1]
        if subject != before and not _NO_SUBJECT.search(subject):
            yield from _subject(section, low, subject, match)


def _subject(section: str, low: str, subject: str, match: re.Match[str]) -> Iterator[Candidate]:
    start = match.start() - len(subject)
    text = section[start : match.start()].strip(" *")
    if text:
        clear = _unopposed(clause_before(low, start)) and not _DOUBT.search(subject)
        yield Candidate(text, "anchor", start, match.end(), clear, "reversed")
