"""Which equations a text states, and which of them are false.

An equation is false only where nothing speaks for its writer: not rounding, not percent, not a change of units, not a line
written on ("3 + 4 = 7 * 2 = 14"), and where the text neither supposes it nor takes it back.  What is uncertain is left out.
"""

import functools
import itertools
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from filters.answers.units import Unit, read_unit
from filters.equation_reader import Chain, Side, chains
from filters.rationals import Rational, Value, difference, evaluate, literal
from filters.reflections import tag

_MARK = re.compile(r"<<([^<>\n]{1,200}+)>>(?:[^\S\n]|\\?\$){0,3}+(-?[0-9][0-9,]*+(?:\.[0-9]++)?(?!/)|-?\.[0-9]++)?")
_MARK_ALONE = re.compile(r"<<[^<>\n]{1,200}+>>")
_PLAIN, _PLAIN_TOKEN = re.compile(r"[-+*/()=0-9.]+"), re.compile(r"[0-9]++(?:\.[0-9]*+)?|\.[0-9]++|[-+*/().]")
_BLOCKS = re.compile(r"```.*?(?:```|\Z)|\[asy\].*?(?:\[/asy\]|\Z)", re.DOTALL)  # code and figures
# Without ，。、: between digits, as in "3×4=12。12+5=17", they end a clause and part no number.
_SAME_LENGTH = str.maketrans(
    "×✕✖∗⋅·÷∕⁄−–—－＋＊／＝＾０１２３４５６７８９．：；？！（）％＄〜≃≅",
    "******///---" + "-+*/=^0123456789.:;?!()%$~≈≈",
)

MAX_ESTIMATE = Fraction(1, 10)  # our rule: what is said to be about right is not called false up to a tenth
FLOAT_ERROR = Fraction(1, 10**14)  # relative: what double precision loses in a few operations
MAX_RESULT_TOKENS = 5  # of a result with which the next side begins: -1/3, 20%
MAX_DOUBTS = 256  # equations of one text that look false and are looked at closely; more would only repeat the verdict
MAX_SAID_CHARS = 80  # of an equation in a flag's detail
MAX_SHOWN_BITS = 128  # larger values are not written out
MAX_UNIT_WORDS = 16  # words of an equation that are looked up as units

# An equation is no claim where its clause supposes it, or where what follows, to the end of the next sentence, takes it back.
MAX_CLAUSE_CHARS, MAX_DENIAL_CHARS = 120, 240  # 95 % of the sentences of 1,000 outputs on MATH-500 have up to 128
_CLAUSE = re.compile(r"[,.;:!?\n](?!\d)|[，。、]|\bthen\b|\\\[|\$\$")
_SUPPOSED = re.compile(
    r"\b(?:if|suppos\w{1,4}|assum\w{1,4}|whether|unless|not|isn['’]t|claim\w{0,2}|try\w{0,3}|guess\w{0,3}|imagine|pretend)\b|≠|\\neq?\b"
    r"|如果|假设|假如|若|是否|不是",
    re.IGNORECASE,
)
_OTHER_ARITHMETIC = re.compile(
    r"\b(?:binary|octal|hexadecimal|base[- ](?:\d|two|three|four|five|six|seven|eight|nine)|mod(?:ulo|ular)?|clock)\b"
    r"|\\[pb]?mod|≡|\\equiv|进制|模",
    re.IGNORECASE,
)
MAX_RULE_CHARS = 16  # behind an equation, for "(mod 9)"
_UNIT_WORD = re.compile(r"(?!in\b(?!\s?(?:[-+*/=.,;)，。、]|\Z)))[A-Za-z]{2,20}|[$元角分]")  # "in" as a word and no inch
_NEXT_WORD = re.compile(r"\s?[A-Za-z]{1,20}|[元角分]")
_GROUPED = re.compile(r"\d，\d{3}(?!\d)")  # ， may part thousands after all
_SENTENCE_END = re.compile(r"[.!?。](?=\s|\Z)|\n\n")
_DENIED = re.compile(
    r"\b(?:wrong|incorrect|mistake|error|false|impossible|contradict\w{0,6}|should (?:be|have been)|(?:cannot|can['’]t) be"
    r"|(?:not|n['’]t) (?:right|correct|true|possible|equal|match|work|hold|add|agree|make|\d))\b|≠|\\neq?\b|❌|✗"
    r"|(?:[.!?;:,(\n，。、]|--)\s{0,3}(?:(?:but|so|oh|okay|hmm+|wait),? )?"
    r"(?:wait|hmm+|no|nope|actually|oops|sorry|hold on|correction"
    r"|let me (?:re|double|check|correct|fix|verify)[\w-]{0,9})\b|不对|不成立|矛盾|错|等等|应该是|更正|重新",
    re.IGNORECASE,
)
_DENIALS = frozenset(("self_correction", "backtracking", "hesitation"))


class Equation(NamedTuple):
    """One equation that could be judged.  Offsets are code points, end exclusive."""

    start: int
    end: int
    holds: bool
    detail: str  # "" where it holds, else what it says and what is right: "48/2 = 25: it is 24"


class Stated(NamedTuple):
    """What a text states: the equations that could be judged in order of their ends, and every chain, read or not."""

    equations: list[Equation]
    chains: list[Chain]


class Link(NamedTuple):
    """Two sides side by side and whether they agree."""

    left: Side
    right: Side
    holds: bool


def stated(text: str) -> Stated:
    """Return what `text` states.  Time is linear in its length."""
    plain, marks = _without_marks(text)
    all_chains = list(_read(plain))
    found: list[Equation] = []
    for mark in marks:
        found += _in_mark(mark)
    for chain in all_chains:
        found += _in_text(plain, chain)
    doubts = iter(range(MAX_DOUBTS))
    equations = [one for one in found if one.holds or (next(doubts, None) is not None and _claimed(plain, one))]
    return Stated(sorted(equations, key=lambda one: one.end) if marks else equations, all_chains)


def stated_sides(text: str) -> list[tuple[Side, Side]]:
    """Return the two sides of each equation of `text`, in its order: of its marks where it has such, <<48/2=24>>, else of all."""
    plain, marks = _without_marks(text)
    marked = [pair for mark in marks for chain in _mark_chains(mark[1]) for pair in _neighbours(chain)]
    return [(left, right) for _, left, right in marked or [pair for chain in chains(plain) for pair in _neighbours(chain)]]


def placed_chains(text: str) -> tuple[str, list[Chain]]:
    """Return the text as it is read, of the same length, and the chains of the text and of its marks by their ends."""
    plain, marks = _without_marks(text)
    found = list(_read(plain))
    for mark in marks:
        offset = mark.start(1)
        for chain in _mark_chains(mark[1]):
            sides = (side._replace(start=side.start + offset, end=side.end + offset) for side in chain.sides)
            found.append(chain._replace(sides=tuple(sides), named=None if chain.named is None else chain.named + offset))
    return plain, sorted(found, key=lambda chain: chain.end) if marks else found


@functools.lru_cache(maxsize=1)  # the step checks and the skipped steps read one chain after the other
def _read(plain: str) -> tuple[Chain, ...]:
    return tuple(chains(plain))


def in_ascii(text: str) -> str:
    """Return the text with the signs and digits of typography as ASCII, of the same length."""
    return text if text.isascii() else text.translate(_SAME_LENGTH)


def _without_marks(text: str) -> tuple[str, list[re.Match[str]]]:
    """Return the text as it is read, of the same length, without code, figures and marks; and the marks."""
    plain = in_ascii(text)
    if "```" in plain or "[asy]" in plain:
        plain = _BLOCKS.sub(_blank, plain)
    if "<<" not in plain:
        return plain, []
    return _MARK_ALONE.sub(_blank, plain), list(_MARK.finditer(plain))


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _in_text(text: str, chain: Chain) -> Iterator[Equation]:
    """Yield the equations of a chain."""
    for link in links(chain):
        start, end = link.left.start, link.right.end
        if link.holds:
            yield Equation(start, end, True, "")
        elif not _converted(link, _with_unit(text, start, end)):
            yield Equation(start, end, False, _detail(text[start:end], link.left))


def _in_mark(mark: re.Match[str]) -> Iterator[Equation]:
    """Yield the equations of one <<48/2=24>> and, where the number behind it is not its result, that one."""
    inside, result = _read_mark(mark[1])
    offset = mark.start(1)
    for one in inside:
        yield one._replace(start=one.start + offset, end=one.end + offset)
    if mark[2] and result is not None and result.value is not None and mark[2] != mark[1][result.start : result.end]:
        shown = evaluate(tuple(mark[2].replace("-", "- ").split()))
        if shown is not None and all(_agrees(result.value, shown, scale) is False for scale in (1, 100, 1000)):
            yield Equation(mark.start(), mark.end(2), False, _detail(mark[0], result))


@functools.lru_cache(maxsize=16384)  # samples of one problem share their marks
def _read_mark(inside: str) -> tuple[list[Equation], Side | None]:
    """Return the equations in a mark, with offsets into it, and its last side."""
    found = _mark_chains(inside)
    equations = [
        Equation(link.left.start, link.right.end, link.holds, "" if link.holds else _detail(inside, link.left))
        for one in found
        for link in links(one)
    ]
    return equations, found[-1].sides[-1] if found else None


def _mark_chains(inside: str) -> list[Chain]:
    return [_plain_chain(inside)] if _PLAIN.fullmatch(inside) else chains(inside)


def _plain_chain(inside: str) -> Chain:
    """Return the chain of a mark of nothing but numbers and signs, as nearly all are, without the reader."""
    sides, start = [], 0
    for part in inside.split("="):
        tokens = tuple(_PLAIN_TOKEN.findall(part))
        sides.append(Side(start, start + len(part), evaluate(tokens) if tokens else None, tokens))
        start += len(part) + 1
    return Chain(tuple(sides), "=" * (len(sides) - 1), None)


def links(chain: Chain) -> Iterator[Link]:
    """Yield the neighbours in a chain of which it can be said whether they agree."""
    for approximate, left, right in _neighbours(chain):
        holds = _holds(left, right, approximate)
        if holds is not None:
            yield Link(left, right, holds)


def _neighbours(chain: Chain) -> Iterator[tuple[bool, Side, Side]]:
    """Yield the neighbours that can be compared: both have a value and one before or at hand is computed.  True: approximately."""
    computed = approximate = False
    for relation, left, right in zip(chain.relations, chain.sides, chain.sides[1:], strict=False):
        approximate = approximate or relation == "≈"
        if left.value is None or right.value is None:
            computed = False
            continue
        computed = computed or left.value.decimals is None
        if computed or right.value.decimals is None:
            yield approximate, left, right


def _holds(left: Side, right: Side, approximate: bool) -> bool | None:
    """Say whether two sides agree, None where it cannot be said."""
    one, other = left.value, right.value
    if one is None or other is None:
        return None
    agrees = one.number == other.number or _agrees(one, other)
    if agrees is False and (one.percent or other.percent):
        agrees = _agrees_in_percent(left, right)
    if agrees is not False:
        return agrees
    gap, size = difference(one.number, other.number), abs(Fraction(one.number))
    if gap <= FLOAT_ERROR * size:
        return True
    estimated = approximate and gap <= MAX_ESTIMATE * size
    rounded = gap <= _slack(left) + _slack(right)
    return None if estimated or rounded or _ambiguous(left) or _ambiguous(right) or _written_on(left, right) else False


def _agrees_in_percent(left: Side, right: Side) -> bool | None:
    """Say whether two sides agree where percent signs count or do not: 75/100 * 100 = 75%.  "48 = 120%" may name what is 100%."""
    if left.value and right.value and left.value.decimals is not None and not left.value.percent:
        return None
    readings = [(side.value, evaluate(side.tokens, percent_is_hundredth=False)) for side in (left, right)]
    agreements = [_agrees(one, other) for one, other in itertools.product(*readings) if one and other]
    return True if True in agreements else agreements[-1]


def _agrees(left: Value, right: Value, scale: int = 1) -> bool | None:
    """Say whether one is the other, or the other rounded to its decimals; None where it is cut off or a whole number of things."""
    verdict: bool | None = left.number == right.number * scale or left.number * scale == right.number
    for exact, shown in ((left, right), (right, left)):
        if not verdict and shown.decimals is not None:
            gaps = difference(exact.number, shown.number * scale), difference(exact.number * scale, shown.number)
            gap = min(gaps) * 10**shown.decimals
            verdict = True if 2 * gap <= 1 else None if gap < 1 or verdict is None else False
    return verdict


def _ambiguous(side: Side) -> bool:
    """Say whether people read a side in two ways: 25 / 1/3, 10% of 400 + 1580, 100 + 10%."""
    tokens = side.tokens
    partly_percent = 0 < tokens.count("%") < sum(token[0].isdecimal() for token in tokens)
    if ("+" in tokens or "-" in tokens) and ("of" in tokens or partly_percent):
        return True
    return any(tokens[i] == tokens[i + 2] == "/" for i in range(1, len(tokens) - 2))


def _written_on(left: Side, right: Side) -> bool:
    """Say whether the line goes on from a result, 3 + 4 = 7 * 2 = 14, or sets a part aside, 3 + 4 - 5 = 3 + 4 = 7 - 5 = 2."""
    tokens = right.tokens
    if len(tokens) > 1 and left.tokens[: len(tokens)] == tokens:
        return True
    for end in range(1, min(len(tokens), MAX_RESULT_TOKENS)):
        if tokens[end] in ("+", "-", "*", "/", "of"):
            for begun in (evaluate(tokens[:end]), evaluate(tokens[:end], percent_is_hundredth=False)):
                if begun is not None and left.value is not None and _agrees(left.value, begun):
                    return True
    return False


def _slack(side: Side) -> Fraction:
    """Return how far a side may be off because numbers of three and more decimals in it were rounded."""
    if side.value is None or side.value.exact:
        return Fraction(0)
    worth, error = abs(Fraction(side.value.number)), Fraction(0)
    for token in side.tokens:
        decimals = len(token.partition(".")[2])
        if decimals >= 3:
            error += worth / (2 * 10**decimals * (literal(token) or 1))
    return error


def _converted(link: Link, text: str) -> bool:
    """Say whether the sides differ by a change of units: 25 * 4 = 100 cents = $1, 4 pounds - 6 ounces = 58 ounces."""
    one, other = link.left.value, link.right.value
    if one is None or other is None:
        return True
    if "$" in text and _agrees(one, other, 1000) is not False:  # thousands of dollars
        return True
    if ("°" in text or "circ" in text) and difference(one.number, other.number) % 360 == 0:  # 60° - 350° = 70°
        return True
    mixed = not {"+", "-"}.isdisjoint(link.left.tokens + link.right.tokens)
    for larger, smaller in itertools.combinations(_units(text), 2):
        if larger.dimension == smaller.dimension and larger.factor != smaller.factor:
            scale = max(larger.factor, smaller.factor) / min(larger.factor, smaller.factor)
            if mixed or (scale.denominator == 1 and _agrees(one, other, scale.numerator) is not False):
                return True
    return False


def _with_unit(text: str, start: int, end: int) -> str:
    """Return an equation with the currency before it and the word behind it."""
    behind = _NEXT_WORD.match(text, end)
    return text[max(0, start - 2) : behind.end() if behind else end]


def _units(text: str) -> set[Unit]:
    words = itertools.islice(_UNIT_WORD.finditer(text), MAX_UNIT_WORDS)
    return {unit for word in words if (unit := read_unit(word[0])) is not None}


def _claimed(text: str, equation: Equation) -> bool:
    """Say whether the text says that the equation is so: it does not suppose it, ask for it or take it back at once."""
    if any(_GROUPED.match(text, max(0, place)) for place in (equation.start - 2, equation.end - 1)):
        return False
    if _OTHER_ARITHMETIC.search(text, max(0, equation.start - MAX_CLAUSE_CHARS), equation.end + MAX_RULE_CHARS):
        return False
    clause = _CLAUSE.split(text[max(0, equation.start - MAX_CLAUSE_CHARS) : equation.start])[-1]
    if _SUPPOSED.search(clause):
        return False
    after = text[equation.end : equation.end + MAX_DENIAL_CHARS]
    ends = list(itertools.islice(_SENTENCE_END.finditer(after), 2))
    if ends and after[ends[0].start()] == "?":
        return False
    after = after[: ends[-1].end() if len(ends) == 2 else len(after)]
    return not (_DENIED.search(after) or any(found.label in _DENIALS for found in tag(after)))


def _detail(text: str, left: Side) -> str:
    said = " ".join(text.split())
    said = said if len(said) <= MAX_SAID_CHARS else said[:MAX_SAID_CHARS] + "…"
    return f"{said}: it is {_shown(left.value.number)}" if left.value else said


def _shown(number: Rational) -> str:
    """Return a number as people write it: 24, 2.5, 1/3."""
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > MAX_SHOWN_BITS:
        return "another number"
    for decimals in range(7):
        scaled = number * 10**decimals
        if scaled.denominator == 1:
            digits = str(abs(scaled.numerator)).rjust(decimals + 1, "0")
            return "-" * (number < 0) + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
    return str(number)
