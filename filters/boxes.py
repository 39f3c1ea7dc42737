r"""Boxes: every \boxed{…} and \fbox{…} of a text, and whether the formula and the clause around one assert it."""

import re
from typing import NamedTuple

from filters.candidates import Candidate, clause_before, clipped, line_before, line_end, sentence_end
from filters.phrases import CHINESE_IF, HEDGES, NOT, WRONG, one_of

MAX_BOXES = 200  # the last ones count; of 1,000 real answers to MATH-500 one that repeats itself has more, all others at most 3
MAX_AFTER_CHARS = 400  # our rule: how much of a line counts as what follows a box
MAX_PAIRED_CHARS = 60  # our rule: more than this between two boxes is a sentence of its own

_BRACE = re.compile(
    r"(?P<box>\\(?:boxed|fbox)(?![A-Za-z])(?:\s{0,3}\{|\s?(?P<bare>-?[0-9](?:[0-9.,/]*[0-9])?|[A-Za-z](?![A-Za-z]))))|\\.|[{}]",
    re.DOTALL,
)
_TEXT = re.compile(r"\A\\(?:text|textbf|textrm|mathrm|mathbf|mbox)\s?\{([^{}]*)\}\Z")
# What instructions put into a box, as in "put your final answer within \boxed{}": it commits to nothing.
_PLACEHOLDER = re.compile(
    r"(?:\\(?:text|mathrm)\s?\{)?\s{0,3}(?:(?:your |the |final ){0,3}answer(?: here)?|\.\.\.|…|\\[lcd]?dots|[?_]{1,8})?\s{0,3}\}?",
    re.IGNORECASE,
)
# What may stand between two boxes of one sentence that commit to a pair: x = \boxed{2}, y = \boxed{3}.
_PAIRED = re.compile(
    r"(?:[\s$*]|\\[()\[\],;: !])*+(?P<joint>,|、|&|\band\b|和|与|以及|\\q?quad|\\text\s?\{\s?,?\s?(?:and|,)\s?\})?"
    r"(?:[\s$*,&]|\\[()\[\],;: !]|\band\b|\\q?quad|\\text\s?\{\s?(?:and)\s?\})*+"
    r"(?:(?:[a-z]|\\[a-z]{2,8})(?:_\{?\w{1,2}\}?)?\s?=\s?)?",
    re.IGNORECASE,
)
# What leads to a box: nothing, a sign of equality, a word, but no sign or word that makes it a part of a formula.
_OPERATORS = "minus|negative|plus|times|twice|half|than|least|most|over|under|log|ln|sin|cos|tan|sqrt"
_LEADS = re.compile(
    r"(?:^\#{0,6}|(?<![!<>])=|≈|&|(?<!\d)[:：,，(]|\\(?:approx|implies|rightarrow|therefore|q?quad)|\\text\{[^{}]{0,40}\}|[\u4e00-\u9fff]"
    rf"|(?<![\\a-z])(?!{one_of(_OPERATORS)}\b)[^\W\d_]{{2,20}}(?:\s[a-z](?=\s))?)(?:[\s*_>]|\\?\$|\\[(\[,;: !]){{0,12}}$"
)
_BULLET = re.compile(r"\s{0,8}(?:[-*+•]|[0-9]{1,2}[.)])\s{1,4}(?:\$|\\\(|\*\*){0,2}")
_CLOSERS = r"(?:[^\S\n]|~|\$|\\[)\],;: !]|[*)_\"”]){0,12}+"
_PERCENT = re.compile(_CLOSERS + r"\\?%")
_UNITS = (
    "km|cm|mm|m|ft|kg|mg|g|lb|lbs|oz|ml|km/h|m/s|mph|miles?|foot|feet|inch|inches|yards|meters|metres|grams|pounds"
    "|lit(?:er|re)s|hours?|minutes?|seconds?|days?|weeks|months|years|dollars|cents|euros|degrees"
)
_UNIT = re.compile(
    _CLOSERS + rf"(?:\\(?:text|mathrm|mbox)\s?\{{\s?)?(?P<unit>{one_of(_UNITS)}\b(?:\s?\^\s?\{{?[23]\}}?|[²³])?)(?![\w/^])"
)
# What may follow a box: an end, punctuation, a word, but nothing that changes its value.
_CHANGES = (
    r"hundreds?|thousands?|[mbtr]{1,2}illions?|dozens?|percent|times|and|or|to|plus|minus|over|divided|mod|half|squared|cubed|doubled"
    "|tripled|twice|tens|mn|bn|below|off|is the wrong"
)
_FOLLOWS = re.compile(
    _CLOSERS + rf"(?!(?:\\(?:text|mathrm|mbox)\s?\{{\s?)?{one_of(_CHANGES)}\b|[一-十百千万亿兆倍或到至不非])"
    r"(?:$|\.(?!\d)|[,;，；](?!\s?[-\d$\\])|。|\\\\|&|\\q?quad|\\(?:text|mathrm|mbox)\s?\{|[^\W\d_]{2}|[a-z]-[a-z]|[\u4e00-\u9fff]"
    r"|(?<=\s)\(|[-–—]\s[a-z]|[✅✓✔☑🎉∎■□]|\\end\{)"
)
_DENIED_AFTER = re.compile(rf"\b{one_of(f'{NOT}|{WRONG}')}\b|\\neq?\b|不|错")
_BETWEEN = "be|have|get|use|take|equal|to|the|an?|correct|right|final|answer|value|is|as|simply|just|necessarily"
_NOT_AN_ANSWER = "(?:format|example)(?: (?:is|are))?|nor|neither|such as|within|inside|into|using|like"
_DENIED_BEFORE = re.compile(
    rf"(?:\b{one_of(f'{NOT}|{WRONG}|{HEDGES}|unlikely')}\b"
    rf"(?:\s{one_of(_BETWEEN)})"
    r"{0,5}|\b(?:might|could|may)(?:\sbe)?|\\(?:neq?|not)(?![a-z])|≠|不是|不为|不等于|并非|可能是"
    rf"|\b{one_of(_NOT_AN_ANSWER)}\b)[^\w\n]{{0,12}}$"
)
_EXAMPLE = re.compile(r"\be\.g\.[^\w\n]{0,12}$")
_DOUBTED = re.compile(
    rf"^\W{{0,8}}(?:(?:then|but|and|now)\s)?{one_of('if|unless|suppose|imagine|pretend|assume|say')}\b|,\sif\b|\bwhether\b"
    rf"|\b(?:might|could|would|may)\s{one_of('think|say|guess|believe|expect|conclude|assume')}\b|\bwrong(?:ly)?\s(?:that|to|answer)\b"
    r"|\b(?:student|friend|teacher|classmate|his|her|their|your)(?:['’]s)?\s(?:answer|solution|result|guess|claim)"
    r"|\b(?:previous|old|example|naive)\s(?:answer|solution|result|guess)"
    rf"|\b{one_of('doubt|false|untrue|guess|says|said|claims?|claimed|thinks|thought|believes')}\b|{one_of(CHINESE_IF)}|怀疑|学生"
)


class _Group(NamedTuple):
    """An open or closed box: offsets of its command and of its content."""

    start: int
    inner: int
    close: int = 0
    end: int = 0


def boxes(section: str) -> list[Candidate]:
    """Return the outermost closed boxes that hold more than a placeholder, in one pass, however deep the braces go."""
    groups: list[_Group] = []
    opened: list[_Group | None] = []
    for match in _BRACE.finditer(section):
        token = match[0]
        if match["bare"]:
            groups.append(_Group(match.start(), match.start("bare"), match.end(), match.end()))
        elif match["box"]:
            opened.append(_Group(match.start(), match.end()))
        elif token == "{":
            opened.append(None)
        elif token == "}" and opened and (group := opened.pop()) is not None:
            _close(section, groups, group._replace(close=match.start(), end=match.end()))
    texts = ((one, _TEXT.sub(r"\1", clipped(section, one.inner, one.close))) for one in groups[-MAX_BOXES:])
    return [Candidate(text, "box", one.start, one.end) for one, text in texts if not _PLACEHOLDER.fullmatch(text)]


def _close(section: str, groups: list[_Group], group: _Group) -> None:
    r"""Add `group` in place of those inside it.  One that holds nothing but a box has that box's content: \boxed{\boxed{5}}."""
    inner = None
    while groups and groups[-1].start > group.start:
        inner = groups.pop()
    if inner and not section[group.inner : inner.start].strip() and not section[inner.end : group.close].strip():
        group = group._replace(inner=inner.inner, close=inner.close)
    groups.append(group)


def paired(section: str, found: list[Candidate]) -> Candidate | None:
    """Return the last boxes as one, "2, 3", where one sentence joins them by a comma or "and"; None where it does not."""
    first = len(found) - 1
    while first > 0:
        between = section[found[first - 1].end : found[first].start]
        joint = _PAIRED.fullmatch(between) if len(between) <= MAX_PAIRED_CHARS else None
        if joint is None or not joint["joint"]:
            break
        first -= 1
    if first == len(found) - 1:
        return None
    text = ", ".join(box.text for box in found[first:])
    if section.endswith("(", 0, found[first].start) and section.startswith(")", found[-1].end):
        text = f"({text})"
    return found[-1]._replace(text=text, start=found[first].start)


def in_context(section: str, low: str, box: Candidate) -> tuple[Candidate, str]:
    r"""Return the box and the unit behind it.  It is not clear where it is denied, doubted or part of a formula: -\boxed{5}."""
    after = _line_after(low, box.end)
    percent = _PERCENT.match(after)
    after = after[percent.end() if percent else 0 :]
    unit = None if percent else _UNIT.match(after)
    before = clause_before(low, box.start)
    leads = _BULLET.fullmatch(line_before(low, box.start)) or (
        _LEADS.search(before) and not is_denied(low, box) and not _DOUBTED.search(before)
    )
    clear = leads and _FOLLOWS.match(after) and not _DENIED_AFTER.search(after, 0, sentence_end(after, 0, len(after)))
    return box._replace(text=box.text + "\\%" * bool(percent), clear=bool(clear)), unit["unit"] if unit else ""


def _line_after(low: str, end: int) -> str:
    """Return what follows a box in its line, with at most one space before it and up to `MAX_AFTER_CHARS` of it."""
    line = low[end : line_end(low, end, len(low))]
    words = line.strip()
    return (" " if line[:1].isspace() and words else "") + words[:MAX_AFTER_CHARS]


def is_denied(low: str, box: Candidate) -> bool:
    r"""Say whether the words directly before a box deny or doubt it, as the first in "not \boxed{5} but \boxed{6}"."""
    return bool(_DENIED_BEFORE.search(clause_before(low, box.start)[-80:]) or _EXAMPLE.search(line_before(low, box.start)[-20:]))
