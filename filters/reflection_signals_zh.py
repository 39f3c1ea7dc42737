"""Signals of reflection in Chinese that no words give, beside those of numbers in any language.

agreed     a computation that comes out, in words of sameness, at a value that was already known: verification
both_sides two computations of one value side by side: verification
gathered   clauses in a row that each say again what another sentence before said: summary
"""

import re
from collections.abc import Iterator, Sequence

from filters.sentences import HIDDEN, Span
from schemas.annotation import Label

CLAUSES = 3  # that say again what was said, at least
MAX_CLAUSES = 8
MAX_GATHERED_CHARS = 110
MAX_CLAUSE_CHARS = 24  # of what is found elsewhere in it: two characters in a row, or a number

_NUMBER = re.compile(r"(?<![a-z\d_.])\d+(?:,\d{3})*(?:\.\d+)?")
_SAME = re.compile(
    r"(?:同样|也|还|正好|恰好|刚好|仍然?|依旧|依然|果然|又|恰|正|确实|的确|照样|都|均|凑成|刚刚)(?:正好|刚好|恰好)?"
    r"(?:是|为|得到?|等于|落在|算得|给出|剩下?|回到|凑成|共|有|只有|要|=|≈)?[^\w，。；]{0,3}$"
)
_COMPUTED = re.compile(r"[=×÷*/]|\d\s?[+−-]|[加减乘除倍折]|合成|总共|一共|之和|相加|平均|中间|原式|累加|打.折")
_EQUAL = re.compile(r"[=≈]\s?([-−]?\d+(?:\.\d+)?)(?![\d.]|\s?[×÷*/+−^a-z-])")
_CLAUSE = re.compile(r"[，,、；;：:。]")
_PIECE = re.compile(r"\d+(?:\.\d+)?|[a-z]+|(?=([\u4e00-\u9fff]{2}))")


def chinese_signals(plain: str, spans: Sequence[Span]) -> Iterator[tuple[Span, Label, str]]:
    """Yield sentences with a label and the name of the signal."""
    known: set[str] = set()
    said: dict[str, set[int]] = {}  # piece → the sentences that hold it
    for place, span in enumerate(spans):
        sentence = plain[span.start : span.end]
        values = list(_NUMBER.finditer(sentence))
        if HIDDEN not in sentence and sentence[-1] not in "?？":
            if values and _agrees(sentence, values, known):
                yield span, "verification", "agreed"
            elif _both_sides(sentence):
                yield span, "verification", "both_sides"
            if place > 1 and len(sentence) <= MAX_GATHERED_CHARS and _gathers(sentence, said, place):
                yield span, "summary", "gathered"
        known.update(match[0] for match in values)
        for piece in set(_pieces(sentence)):
            said.setdefault(piece, set()).add(place)


def _agrees(sentence: str, values: Sequence[re.Match[str]], known: set[str]) -> bool:
    """Say whether a value that is known comes out of a computation again."""
    for place, match in enumerate(values):
        if match[0] not in known or (place == 0 and len(values) > 1):
            continue
        before = sentence[: match.start()]
        if _SAME.search(before) and _COMPUTED.search(before):
            return True
    return False


def _both_sides(sentence: str) -> bool:
    found = _EQUAL.findall(sentence)
    return "左" in sentence and "右" in sentence and len(set(found)) < len(found)


def _gathers(sentence: str, said: dict[str, set[int]], place: int) -> bool:
    """Say whether clauses say again, one after the other, what other sentences said."""
    if _COMPUTED.search(sentence):
        return False
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause.strip()]
    if not CLAUSES <= len(clauses) <= MAX_CLAUSES:
        return False
    sources: set[int] = set()
    again = 0
    for clause in clauses:
        pieces = list(_pieces(clause))
        old = [said[piece] for piece in pieces if piece in said]
        if len(clause) <= MAX_CLAUSE_CHARS and pieces and 2 * len(old) >= len(pieces):
            again += 1
            sources |= {max(where) for where in old}
    return again >= CLAUSES and again >= len(clauses) - 1 and len(sources) >= CLAUSES - 1


def _pieces(text: str) -> Iterator[str]:
    """Yield the numbers and words of a text, and each two Chinese characters in a row."""
    for match in _PIECE.finditer(text):
        yield match[1] or match[0]
