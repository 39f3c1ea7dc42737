"""Conclusions without an anchor: "So the remainder is 5.", a last line that is nothing but **18**, a response of one line.

Weaker than an anchor: read only where nothing else commits to an answer, and only at the very end.
"""

import re
from collections.abc import Iterator

from filters.candidates import Candidate, line_end
from filters.phrases import CHINESE_SO, SO, one_of
from filters.readings import MAX_VALUE_CHARS, balanced, values, without_aside

MAX_FORMULA_CHARS = 400  # our rule: a line without prose may be longer than a value, as matrices and polynomials are
MAX_TAIL_CHARS = 800  # our rule: how far from the end the last sentences are looked for

_OPENINGS = f"{SO}|and so|consequently|in conclusion|to conclude|as a result|in total|altogether"
_THEN = r"yes|in conclusion|in summary|i['’]m confident that|we (?:conclude|see|find|have|get)(?: that)?"
_CONCLUDES = re.compile(
    rf"(?:(?:^|[.!?。！？\n✓✅])[\s*_#>-]{{0,8}}|,\s)(?:{one_of(_OPENINGS)}\b|{one_of(CHINESE_SO)}|综上所述|于是|从而|总之|故|答[:：])"
    rf"(?:[,，:：]?\s?{one_of(_THEN)}\b)?[,，:：]?\s{{0,4}}"
)
_SENTENCE = re.compile(r"(?:[^.!?。！\n]|\.(?=\d)|[.!?](?=[^\s*\\$)])|\n(?=\s{0,8}(?:\\\[|\$\$)))*+")
# What may follow the last sentence: its courtesies, signs of an end.
_POLITE = (
    "i think|i hope|i['’]m (?:confident|convinced)|that['’]s"
    "|(?:that|this) is (?:the|our|my)|this (?:matches|confirms|agrees|completes)"
    "|let me know|hope|thank|feel free|if you (?:have|need|would)|is there anything|and that|done|qed|✓|✅|∎"
    "|我认为|希望|这就是|谢谢|如有"
)
_COURTESY = re.compile(rf"(?:\s|{one_of(_POLITE)}[^.!?。！？\n0-9=]{{0,160}}(?:[.!?。！？\n]|$)|[*$_\])}}\\∎■□✓✅🎉😊`.-])*+")
_CLOSED = re.compile(r"[0-9$)*}\]%°\u4e00-\u9fff]\s*$")  # how a sentence without a full stop ends if it was not cut off
_DELIMITED = re.compile(r"(?:\*\*|\$\$?|\\\(|\\\[)\s?([^*$\n]{1,53}?)\s?(?:\*\*|\$\$?|\\\)|\\\])[.。]?")
_LONE_VALUE = re.compile(
    r"[-−]?[$€£¥]?[0-9](?:[0-9,.]*[0-9])?(?:/[0-9]+)?%?"
    r"|\(?[A-JＡ-Ｊ][).]?(?:(?<=[).])\s.{1,53})?"
)
_BOLD_END = re.compile(r"(?:=|:|：|\b(?:is|are)|是|为)\s?\*\*([^*\n]{1,53})\*\*[.。!！]?$")
_LABELLED = re.compile(r"\(?[A-J][).]\s")
_EXPLAINS = re.compile(
    r"\s{1,8}[*_#>-]{0,4}(?:explanation|reason(?:ing)?|because|since|why|justification|解析|解释|理由|因为|分析)"
)
# A line that speaks of an answer without being an anchor, or denies, is no answer as a whole.
_SPEAKS = re.compile(
    r"\b(?:the|my|our|an?)\s(?:\w{1,12}\s)?answer\b|答案|不是|不对|错误|[❌✗]"
    r"|\b(?:is|are)(?:\snot|n['’]t|\s(?:the\s)?(?:wrong|incorrect))\b"
)
_PROSE = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{2,}\s[A-Za-z]{2,}")
_FORMULA = re.compile(r"[0-9\\=^+(\[{]")
_DISPLAY = re.compile(r"\A(?:\$\$|\\\[|```\w{0,10}\n|\\begin\{)")


def conclusions(section: str, low: str) -> Iterator[Candidate]:
    """Yield what the end of the text may commit to, the best reading first."""
    end = len(section.rstrip())
    begin = max(0, end - MAX_TAIL_CHARS)
    whole = _whole(section)
    if whole and not _CONCLUDES.match(low.strip()) and not _SPEAKS.search(low):
        yield Candidate(whole, "whole", 0, len(section))
        if _LABELLED.match(whole):
            yield Candidate(without_aside(whole), "whole", 0, len(section))
    yield from _first_line(section, low)
    before, _, last_line = section[begin:end].rpartition("\n")
    if before.strip() and (alone := _alone(last_line.strip())) and not _alone(before.rstrip().rpartition("\n")[2].strip()):
        yield Candidate(alone, "conclusion", begin, end)
    for text in _concluded(section[begin:end], low[begin:end]):
        yield Candidate(text, "conclusion", begin, end)
    if bold := _BOLD_END.search(last_line):
        yield Candidate(bold[1].strip(), "conclusion", begin, end)


def _first_line(section: str, low: str) -> Iterator[Candidate]:
    """Yield the value that the first line consists of, where the rest of the text explains it."""
    start = len(section) - len(section.lstrip())
    end = line_end(section, start, len(section))
    first = section[start : min(end, start + 2 * MAX_VALUE_CHARS)].strip()
    if (alone := _alone(first)) and _EXPLAINS.match(low, end):
        yield Candidate(alone, "conclusion", start, end)


def _whole(section: str) -> str | None:
    """Return the whole response where it is one line of up to `MAX_VALUE_CHARS`, or one formula of up to `MAX_FORMULA_CHARS`."""
    line = section.strip()
    if len(line) > MAX_FORMULA_CHARS or "\\boxed" in line or "\\fbox" in line or not balanced(line):  # a box here is empty or open
        return None
    if len(line) <= MAX_VALUE_CHARS and "\n" not in line:
        return line
    is_one = ("\n" not in line or _DISPLAY.match(line)) and line.count("$$") < 3 and line.count("\\[") < 2
    return " ".join(line.strip("`").split()) if is_one and _FORMULA.search(line) and not _PROSE.search(line) else None


def _alone(line: str) -> str | None:
    """Return the value that a line consists of: **18**, $18$, 18, (B) or (B) bank."""
    match = _DELIMITED.fullmatch(line)
    if match is not None:
        return match[1]
    return line if _LONE_VALUE.fullmatch(line) else None


def _concluded(tail: str, low: str) -> Iterator[str]:
    """Yield the value of the last sentence that draws a conclusion, where nothing but courtesies follow it."""
    for match in reversed(list(_CONCLUDES.finditer(low))):
        sentence = _SENTENCE.match(low, match.end())
        stop = sentence.end() if sentence else match.end()
        if not any(map(str.isalnum, low[match.end() : stop])):
            continue
        rest = low[stop:].lstrip(".!?。！")
        courtesy = _COURTESY.match(rest)
        ended = len(rest) < len(low) - stop or _CLOSED.search(low, 0, stop)
        if courtesy is not None and courtesy.end() == len(rest) and ended:
            yield from values(tail[match.end() : stop])
        return
