"""Sentences of a chain, and what in it is not its writer's own word: code, quotations, what the problem says."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MAX_SENTENCE_CHARS = 400  # a longer one is cut at a space or comma: 99.8 % of the sentences of 1,000 MATH-500 outputs are shorter
MAX_QUOTE_CHARS = 228  # the 99th percentile of quoted spans in 1,000 MATH-500 outputs; longer ones are unbalanced marks
HIDDEN = "\0"

# Traditional characters that our patterns have in their simplified form, one for one.
_TRADITIONAL = (
    "對換個總結檢驗證讓還這應該錯從後為來們開頭計確認嗎題條論實際樣麼說給過裡數別試寫記綜歸納匯則設當與須無並術邊時間點沒見問"
)
_SIMPLIFIED = str.maketrans(
    _TRADITIONAL,
    "对换个总结检验证让还这应该错从后为来们开头计确认吗题条论实际样么说给过里数别试写记综归纳汇则设当与须无并术边时间点没见问",
)
_IS_TRADITIONAL = re.compile(f"[{_TRADITIONAL}]")
_SPACES = "\t\r\x0b\x0c\x1c\x1d\x1e\x1f"  # of ASCII, but for the space and the end of a line
_OTHER_SPACE = re.compile(r"[^\S\x00-\x7f]")
_APOSTROPHES = "’‘ʼ＇"
_QUOTED = tuple(
    (left, re.compile(rf"{left}[^{left}{right}\n]{{1,{MAX_QUOTE_CHARS}}}+{right}"))
    for left, right in (('"', '"'), ("“", "”"), ("「", "」"), ("『", "』"), ("«", "»"))
)
_CODE = re.compile(r"(?P<fence>`{3,}|~{3,}).*?(?:(?P=fence)|\Z)|`[^`\n]++`", re.DOTALL)
_SINGLE = re.compile(r"'(?<![\w']')(?=\w)(?:[^'\n]|(?<=\w)'(?=\w)){2,120}+'(?!\w)")
_IS_COMMENT = re.compile(r"(?<!#)# ")  # no heading: "## "
_COMMENT = re.compile(r"(?<=[;)\]}:\w])[ \t]{1,8}(?:#|//) [^\n]*+|(?m:^)[ \t]{0,8}(?://|#) (?=[a-z][^.\n]{0,80}$)[^\n]*+")
ENDS, HARD_ENDS = ".!?…", "。！？；"  # which end a sentence where white space follows, and which always
CUTS = ",，、"  # where a long one is cut, as at white space
CLOSING = "\"'”’)]*」』）"
ABBREVIATIONS = ("e.g", "i.e", "vs", "cf", "eq", "dr", "mr", "ms", "st", "etc", "fig", "mrs", "approx")
_CLOSING = re.escape(CLOSING)
_ABBREVIATED = "|".join(  # by their length: what looks behind has one
    rf"(?<=\b(?:{'|'.join(re.escape(one) for one in ABBREVIATIONS if len(one) == size)}))" for size in (2, 3, 6)
)
# From the first character that is no space to the end of the sentence or line.  A full stop ends one where white space follows, but
# not behind an abbreviation or the number of a list's item.
_SENTENCE = re.compile(
    rf"\S(?:[^\n{ENDS}{HARD_ENDS}]++"
    rf"|(?:{_ABBREVIATED}|(?<=^\d)|(?<=^\d\d))\."
    rf"|[{ENDS}](?![{ENDS}]*[{_CLOSING}]*(?:\s|\Z|[\u4e00-\u9fff])))*+(?:[{ENDS}{HARD_ENDS}]++[{_CLOSING}]*+)?",
    re.MULTILINE,
)
_CUT = re.compile(rf"[\s{CUTS}]")


class Span(NamedTuple):
    """A sentence by its place, no white space around it."""

    start: int
    end: int


def lowered(text: str) -> str:
    """Return the text in lower case at the same length, so that offsets hold.

    Apostrophes are straight, Chinese is simplified, and white space is spaces and ends of lines.
    """
    low = text.lower()
    if len(low) != len(text):  # "İ" becomes two characters
        low = "".join(one if len(one := character.lower()) == 1 else character for character in text)
    for one in _SPACES:
        if one in low:
            low = low.replace(one, " ")
    if not low.isascii():
        for one in _APOSTROPHES:
            if one in low:
                low = low.replace(one, "'")
        low = _OTHER_SPACE.sub(" ", low)
        if _IS_TRADITIONAL.search(low):
            low = low.translate(_SIMPLIFIED)
    return low


def masked(low: str) -> str:
    """Return the text with code, comments and quotations of ordinary length hidden, at the same length."""
    # One character is looked for several times as fast as two are.
    if "`" in low or ("~" in low and "~~~" in low):
        low = _CODE.sub(_hide, low)
    for left, quoted in _QUOTED:
        if left in low:
            low = quoted.sub(_hide, low)
    if "'" in low:
        low = _SINGLE.sub(_hide, low)
    if ("#" in low and _IS_COMMENT.search(low)) or ("/" in low and "// " in low):
        low = _COMMENT.sub(_hide, low)
    return low


def _hide(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])


def sentences(low: str) -> list[Span]:
    """Return the sentences of a text, each at most MAX_SENTENCE_CHARS long, in order.  A line ends one too."""
    found: list[Span] = []
    span = tuple.__new__  # half the time of Span(start, end), and there are many
    for match in _SENTENCE.finditer(low):
        start, end = match.span()
        if low[end - 1].isspace():
            end = start + len(match[0].rstrip())
        if end - start > MAX_SENTENCE_CHARS:
            found += _pieces(low, start, end)
        else:
            found.append(span(Span, (start, end)))
    return found


def _pieces(low: str, start: int, end: int) -> Iterator[Span]:
    """Yield a long sentence in pieces, cut at a space or comma where there is one in the second half."""
    while end - start > MAX_SENTENCE_CHARS:
        cut = start + MAX_SENTENCE_CHARS
        while cut > start + MAX_SENTENCE_CHARS // 2 and not _CUT.match(low, cut - 1):
            cut -= 1
        yield from _stripped(low, start, cut)
        start = cut
    yield from _stripped(low, start, end)


def _stripped(low: str, start: int, end: int) -> Iterator[Span]:
    piece = low[start:end]
    if left := piece.lstrip():
        yield Span(end - len(left), end - len(left) + len(left.rstrip()))


class Echo:
    """Tells which sentences of a chain are the problem's own."""

    def __init__(self, question: str) -> None:
        self._words = " ".join(_WORD.findall(lowered(question)))

    def holds(self, sentence: str) -> bool:
        """Say whether the words of a sentence stand in the problem in one row."""
        if not self._words:
            return False
        words = " ".join(_WORD.findall(sentence))
        return bool(words) and f" {words} " in f" {self._words} "


_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W_]+")


def echoes(question: str, low: str, spans: Mapping[int, tuple[int, int]]) -> set[int]:
    """Return the places of those of some sentences that are the problem's own words."""
    echo = Echo(question)
    return {place for place, (start, end) in spans.items() if echo.holds(low[start:end])}
