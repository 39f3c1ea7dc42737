r"""Answers that no word names: "So the sum is 8.", "3 * 4 = 13. Wait, 3 * 4 = 12.  So the answer is 12."

A chain gives values to many quantities, and only one of them is asked for.  A quantity is the asked one where its name is all that
the question asks with; or is the beginning of that and gets the gold or an answer that the chain commits to; or words name its
value as the answer right behind it.  Then all its values are answers, and those that it replaces.  Of a quantity whose name only is
about what the question asks, no other values count.  Where a quantity gets two values between two reflections, they are cases or
roots and none of them is an answer; what is supposed or tried is none either.  Values are read where a conclusion states them, and
around reflections.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.answer_key import AnswerKey
from filters.asked import begins_to_ask, is_asked, may_be_asked, words
from filters.candidates import clause_before
from filters.phrases import ASCRIBED, CHINESE_IF, one_of, places
from filters.readings import MAX_VALUE_CHARS

MAX_BEFORE_CHARS = 300  # our rule: of a sentence before a value; a longer one does not name a quantity again in the same words
MAX_APART_CHARS = 60  # our rule: between a value and the words that name it as the answer, "so the final answer is"
MAX_REGIONS = 2000  # the last ones count; the most in 1,000 real outputs for MATH-500 is 95
MAX_TURN_CHARS = 120  # our rule: before a reflection, where its occasion stands
MAX_SENTENCE_CHARS = 300  # as in `filters.mentions`

_NUMBER = r"[-−]?\s?[$€£¥]?[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?(?:/[0-9]+)?(?:\s?\\?%)?"
_VERBS = "is|are|was|equals|gives|be|makes|get|have|has|leaves|becomes|total of|comes to|amounts to|equal to"
_ADVERBS = "equal to|indeed|actually|exactly|only|just|now|a total of|still|then|really"
_CLOSED = r"(?:\s?(?:\\\)|\\\]|\$))?(?:\*\*)?"
_ENDS = r"(?=[,，;；。!！)]|\.(?![0-9])|\s*+(?:\n|\Z)|\s(?:in|because|since|so|that|as|for|when|if|which)\b|\s[(✓✔✅])"
_UNIT = r"(?P<unit>\s?°|(?:\s[A-Za-z]{1,15}){1,3}?|[\u4e00-\u9fff]{1,3})??"
_COPULA = rf"(?:=(?!=)(?<![<>!=≤≥:]=)|等于|[是为得有]|\s{one_of(_VERBS)}\s(?:{one_of(_ADVERBS)}\s)?)"
_OPENED = r"\s?[*_]{0,2}(?:\\\(|\\\[|\$(?![0-9]))?\s?"
_NUMBERS = re.compile(rf"{_COPULA}{_OPENED}(?P<value>{_NUMBER}){_CLOSED}{_UNIT}{_ENDS}")
_FORMULAS = re.compile(
    rf"(?:=(?!=)(?<![<>!=≤≥:]=)|\s{one_of(_VERBS)}\s(?:{one_of(_ADVERBS)}\s)?(?:\\\(|\$))"
    rf"\s?(?P<value>[^=\n$≈<>]{{1,{MAX_VALUE_CHARS}}}?)\s?(?:\\\)|\\\]|\$)(?P<unit>){_ENDS}"
)
_PHRASES = re.compile(
    r"(?:\s(?:is|are|be|means)\s(?:an?\s|the\s)?|[是为])"
    rf"(?P<value>[A-Za-z\u4e00-\u9fff][\w '’-]{{0,{MAX_VALUE_CHARS}}}?)(?P<unit>){_ENDS}"
)
_LABELS = re.compile(
    rf"(?:\s(?:is|are|be|choose|pick|select)\s|[选是为])\s?(?:option\s)?[*(（]{{0,3}}(?P<value>[A-J])[)）*]{{0,3}}(?P<unit>){_ENDS}"
)

_CONCLUSIONS = ("so ", "So ", "So,", "herefore", "hus", "ence,", " gives ", " means ", "n total")
_CHINESE_CONCLUSIONS = ("所以", "因此", "因而", "于是", "从而", "总之", "一共", "总共", "综上")
_SENTENCE_ENDS = ("\n", ". ", "? ", "! ")
_CHINESE_SENTENCE_ENDS = (*_SENTENCE_ENDS, "。", "？", "！")
_CLAUSE_ENDS = (", ", "; ", ": ", "=> ", "implies", "ightarrow")
_CHINESE_CLAUSE_ENDS = (*_CLAUSE_ENDS, "，", "；", "：", "⇒")
_WORD = re.compile("[a-z]+")
# What makes a value of its sentence, or of its clause, or of a clause that begins so, one that is supposed or tried.
_SUPPOSED = frozenset(
    "if unless whether suppose supposing supposed assume assuming assumed imagine pretend let would maybe perhaps".split()
)
_TRIED = frozenset(
    "try trying plug plugging plugged substitute substituting substituted substitution where given since each or not".split()
)
_LEADS = frozenset("so therefore thus hence then and but".split())
_CASES = frozenset("for when at case with".split())
_CHINESE_TRIED = re.compile(rf"{one_of(CHINESE_IF)}|[设当或不]")
_ASCRIBED = re.compile(ASCRIBED)
_NAMED = re.compile(r"=|\b(?:is|are|was|equals)\b|等于|[是为]")
_COUNTS = re.compile(r"\b(?:there|have|has)\b|[\u4e00-\u9fff]", re.IGNORECASE)
_PLAIN = re.compile(r"\\(?:left|right|text|mathrm|displaystyle)(?![a-z])|[\s\\$,*{}()\[\]。]")
# What makes a value one of several: "x = 5, x = 7", "5 and 7".
_LISTED = re.compile(r"(?:[,，、]\s?(?:and\s|or\s)?|\s(?:and|or)\s)(?:\\\(|\$)?\s?(?:[A-Za-z](?:_\w)?\s?=|-?[0-9])")
_LETTERS = re.compile(r"[A-Za-z]+")
_COMMANDS = frozenset("frac dfrac tfrac sqrt pi cdot times left right text".split())
_HAS_DIGIT = re.compile("[0-9]")
_IS_PLAIN = re.compile(r"[\w\s$.,%'’-]*")
_OPERANDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


class _Value(NamedTuple):
    """A value that the chain gives to a quantity."""

    start: int
    end: int
    text: str
    plain: str
    name: str  # of the quantity; "" where it has none
    stretch: int  # reflections before it
    is_phrase: bool  # a label or words


def quantity_answers(
    chain: str, spans: Sequence[tuple[int, int]], key: AnswerKey, named: Sequence[tuple[int, int, str]]
) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and text of the values of the asked quantity.

    `spans` are the reflections' places, in order.  `named` are the answers that words name.
    """
    texts = [*key.texts, *(text for _, _, text in named)]
    asked = frozenset(plain for text in texts if (plain := _plain(text)))
    letters = _COMMANDS.union(*map(_LETTERS.findall, key.texts))
    found = sorted(
        one
        for one in _values(chain, spans, _patterns(key, texts))
        if (key.offers(one.text) if one.is_phrase else letters.issuperset(_LETTERS.findall(one.text)))
    )
    names = _asked_names(found, asked, named, key.question)
    several = _several(found)
    for one in found:
        if one.is_phrase and key.problem.choices:
            is_answer = True
        elif one.name in names:
            is_answer = (one.name, one.stretch) not in several
        else:
            is_answer = one.plain in asked and may_be_asked(one.name, key.question)
        if is_answer and key.read(one.text) is not None:
            yield one.start, one.end, one.text


def _patterns(key: AnswerKey, texts: Sequence[str]) -> list[re.Pattern[str]]:
    """Return the patterns of the values that could be answers, where those of the problem are like `texts`."""
    found = [_NUMBERS] if any(map(_HAS_DIGIT.search, texts)) else []
    if not all(map(_IS_PLAIN.fullmatch, texts)):
        found.append(_FORMULAS)
    if key.problem.choices:
        found.append(_LABELS)
    return found if key.problem.checker in ("numeric", "math") and not key.worded else [*found, _PHRASES]


def _asked_names(found: Sequence[_Value], asked: frozenset[str], named: Sequence[tuple[int, int, str]], question: str) -> set[str]:
    """Return the names of the quantity that is asked for."""
    given = {one.name for one in found if one.plain in asked}
    names = {name for name in {one.name for one in found} if is_asked(name, question)}
    names |= {name for name in given if begins_to_ask(name, question)}
    answers = [(start, _plain(text)) for start, _, text in named]
    starts = [start for start, _ in answers]
    for one in found:
        place = bisect_left(starts, one.end)
        if one.name and place < len(starts) and starts[place] - one.end <= MAX_APART_CHARS and answers[place][1] == one.plain:
            names.add(one.name)
    before: _Value | None = None
    for one in found:
        if before is not None and one.name in names and one.stretch > before.stretch and _replaces(one.name, before):
            names.add(before.name)
        before = one if one.name else None
    return names


def _replaces(name: str, before: _Value) -> bool:
    """Say whether an expression is another one put right, "12 + 5" for "12 + 4": the same operations, all operands but one."""
    operands, others = _OPERANDS.findall(name), _OPERANDS.findall(before.name)
    return (
        len(operands) == len(others) > 1
        and before.plain not in operands
        and sum(one != other for one, other in zip(operands, others, strict=True)) == 1
        and _OPERANDS.sub("0", name) == _OPERANDS.sub("0", before.name)
    )


def _several(found: Sequence[_Value]) -> set[tuple[str, int]]:
    """Return the quantities with the stretches in which they get more than one value."""
    first: dict[tuple[str, int], str] = {}
    return {place for one in found if first.setdefault(place := (one.name, one.stretch), one.plain) != one.plain}


def _values(chain: str, spans: Sequence[tuple[int, int]], patterns: Sequence[re.Pattern[str]]) -> Iterator[_Value]:
    """Yield the values that the chain gives to quantities where they count, without what is supposed or tried."""
    starts = [start for start, _ in spans]
    ascii_only = chain.isascii()
    for start, end in _regions(chain, spans):
        for match in (match for pattern in patterns for match in pattern.finditer(chain, start, end)):
            sentence = chain[max(0, match.start() - MAX_BEFORE_CHARS) : match.start()]
            sentence = _behind(sentence, _SENTENCE_ENDS if ascii_only else _CHINESE_SENTENCE_ENDS)
            clause = _behind(sentence, _CLAUSE_ENDS if ascii_only else _CHINESE_CLAUSE_ENDS)
            if not (_is_tried(sentence, clause) or _LISTED.match(chain, match.end())):
                begin, text = match.start() - len(clause), match["value"]
                is_phrase = match.re in (_LABELS, _PHRASES)
                name = _name(clause, match["unit"])
                yield _Value(begin, match.end(), text, _plain(text), name, bisect_right(starts, begin), is_phrase)


def _is_tried(sentence: str, clause: str) -> bool:
    """Say whether a value that `sentence` and its last clause lead to is only supposed or tried, or what others say."""
    low = sentence.lower()
    if _ASCRIBED.search(clause_before(low, len(low))):
        return True
    said = _WORD.findall(low)
    if not _SUPPOSED.isdisjoint(said):
        return True
    inside = _WORD.findall(low, len(sentence) - len(clause))
    firsts = {next((word for word in row if word not in _LEADS), "") for row in (said, inside)}
    return not (_TRIED.isdisjoint(inside) and _CASES.isdisjoint(firsts)) or (
        not clause.isascii() and _CHINESE_TRIED.search(clause) is not None
    )


def _behind(text: str, marks: Sequence[str]) -> str:
    """Return what stands behind the last of `marks`."""
    for mark in marks:
        place = text.rfind(mark)
        if place >= 0:
            text = text[place + len(mark) :]
    return text


def _regions(chain: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which values count, in order, none overlapping another: conclusions, and around each reflection."""
    cues = places(chain, _CONCLUSIONS if chain.isascii() else _CONCLUSIONS + _CHINESE_CONCLUSIONS)
    turns = [(max(0, start - MAX_TURN_CHARS), _sentence_end(chain, end)) for start, end in spans[-MAX_REGIONS:]]
    last = 0
    for start, reach in sorted([*((cue, cue) for cue in cues[-MAX_REGIONS:]), *turns]):
        end = _sentence_end(chain, reach) if reach >= last else last
        if end > last:
            yield max(start, last), end
            last = end


def _sentence_end(chain: str, start: int) -> int:
    """Return where the sentence ends that `start` is in."""
    end = min(len(chain), start + MAX_SENTENCE_CHARS)
    for mark in _SENTENCE_ENDS if chain.isascii() else _CHINESE_SENTENCE_ENDS:
        place = chain.find(mark, start, end)
        end = place + len(mark) if place >= 0 else end
    return end


def _name(clause: str, unit: str | None) -> str:
    """Return the words that call a quantity: the left side of its equation, and what is counted; "" where it is only "it"."""
    called = words(_NAMED.split(clause, maxsplit=1)[0])
    if not called and not _COUNTS.search(clause):
        return ""
    counted = words(unit) if unit else []
    return " ".join(called + [word for word in counted if word not in called])


def _plain(text: str) -> str:
    """Return a text without what only sets it: an answer as written here and there."""
    return _PLAIN.sub("", text).replace("dfrac", "frac").removesuffix(".").lower()
