"""Which results of a chain have no visible way to them.

A *result* is what a chain states beside what it was given: the end of an equation, or a number that stands nowhere before.  Its way
is there where every number that it is computed from is given, by the question or by words such as "twice" and "week", or is an
earlier result.  The weights are ours, tried on solutions of GSM8K with one step taken out (`benchmarks/skipped_steps.py`).
"""

import collections
import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from filters.equation_reader import Chain
from filters.equations import in_ascii, placed_chains
from filters.given_numbers import quantities, worded
from filters.mentions import MAX_NUMBER_CHARS, NUMBER, SENTENCE_END, value_of
from filters.rationals import Rational, divided, literal

MISSING, DOUBTFUL = 1.0, 0.5
MAX_COUNTED = 5  # whole numbers up to it may have been counted: people listed, days named
MAX_NEAR = 32  # of the latest known numbers, with which one operation is looked for
MAX_LOOKS = 1024  # numbers of a chain for which it is looked for; of a longer list no way is seen
MAX_LEAD_CHARS = 16  # before a number, for what is numbered

_ALWAYS: tuple[Rational, ...] = (0, 1, 2)  # what a step may use unsaid
# Numbers that stand for no amount: 5x, 5*x, 2\pi, x^2, a_1, "Step 3:", and "2. " where a line begins.
_COEFFICIENT = re.compile(r"\*?[A-Za-z](?![A-Za-z])|\\[a-z]")
_NUMBERED = tuple("^ _ step case part equation problem method question example approach option 第 步骤".split())
_ITEM_END = re.compile(r"[.)、](?!\d)")
_OPERATED = re.compile(r"\d[^=\n]{0,60}?[-+*/^]|[-+*/%][^=\n]{0,60}?\d|\bof\b|\bx\b")


class Skips(NamedTuple):
    """What is missing of the way through a chain."""

    computed: int  # results
    skipped: float | None  # share of them without a way, 0 to 1; None where there is no result


class _Sentence(NamedTuple):
    """A sentence's equations and the numbers that stand in none of their sides."""

    start: int
    chains: list[Chain]
    numbers: collections.deque[re.Match[str]]


def skipped_steps(text: str, question: str = "") -> Skips:
    """Return how many results a chain states, and how many of them come from nowhere.  Time is linear in its length.

    A result counts as missing in full where a number that it is computed from was never seen, and where it stands alone and no one
    operation on two known numbers gives it.  It counts half where one does, and where what was never seen may have been counted.
    A quantity of the question that the chain never takes up says that a step with it is missing, and counts as half a result.
    """
    plain, found = placed_chains(text)
    known = _Known(in_ascii(question), plain)
    costs = [cost for sentence in _sentences(plain, found) for cost in _results(plain, sentence, known).values()]
    if not costs:
        return Skips(0, None)
    untaken = DOUBTFUL * known.untaken
    return Skips(len(costs), (sum(costs) + untaken) / (len(costs) + untaken))


class _Known:
    """The numbers that a step may use so far."""

    def __init__(self, question: str, chain: str) -> None:
        self.forms = quantities(question)
        self.taken: set[Rational] = set()
        self.numbers = dict.fromkeys((*_ALWAYS, *worded(question), *worded(chain), *self.forms))
        self.looks = MAX_LOOKS
        if "%" in question or "%" in chain:
            self.numbers[100] = None

    @property
    def untaken(self) -> int:
        """Quantities of the question that no step took up."""
        return len({*self.forms.values()} - self.taken - {0, 1})

    def take(self, number: Rational) -> bool:
        """Say whether a number is known.  25% is .25, 75 cents are .75 dollars, and -49 is the 49 that is taken away."""
        if number not in self.numbers:
            found = next((form for form in _forms(number) if form in self.numbers), None)
            if found is None:
                return False
            number = found
        if number in self.forms:
            self.taken.add(self.forms[number])
        return True

    def operand(self, number: Rational) -> float:
        """Return what it costs that a step computes with a number."""
        if self.take(number):
            return 0.0
        return DOUBTFUL if number in range(MAX_COUNTED + 1) else MISSING

    def alone(self, number: Rational) -> float:
        """Return what it costs that a number is stated without an operation."""
        if self.take(number):
            return 0.0
        return DOUBTFUL if number in range(MAX_COUNTED + 1) or self._near(number) else MISSING

    def _near(self, number: Rational) -> bool:
        """Say whether one operation on two known numbers gives this one."""
        self.looks -= 1
        numbers = self.numbers
        return self.looks >= 0 and any(
            number - one in numbers
            or one - number in numbers
            or (one and number and (divided(number, one) in numbers or number * one in numbers or divided(one, number) in numbers))
            for one in itertools.islice(reversed(numbers), MAX_NEAR)
        )


def _forms(number: Rational) -> Iterator[Rational]:
    """Yield a number without its sign, and with the point two places on where the one or the other has decimals."""
    if number < 0:
        yield -number
    hundredth = divided(number, 100)
    if number.denominator != 1:
        yield number * 100
    if hundredth.denominator != 1:
        yield hundredth


def _sentences(plain: str, found: list[Chain]) -> Iterator[_Sentence]:
    """Yield the sentences with an equation or a number in them, in their order."""
    chains = collections.deque((chain.end, chain) for chain in found)
    numbers = collections.deque(_amounts(plain, found))
    start = 0
    for end in itertools.chain((match.end() for match in SENTENCE_END.finditer(plain)), (len(plain),)):
        sentence = _Sentence(start, [], collections.deque())
        while chains and chains[0][0] <= end:
            sentence.chains.append(chains.popleft()[1])
        while numbers and numbers[0].start() < end:
            sentence.numbers.append(numbers.popleft())
        if sentence.chains or sentence.numbers:
            yield sentence
        start = end


def _amounts(plain: str, found: list[Chain]) -> Iterator[re.Match[str]]:
    """Yield the numbers that stand in no side that was read and are amounts of something."""
    sides = sorted((side.start, side.end) for chain in found for side in chain.sides if side.value is not None)
    at = 0
    for match in NUMBER.finditer(plain):
        start = match.start()
        while at < len(sides) and sides[at][1] <= start:
            at += 1
        if (at == len(sides) or start < sides[at][0]) and _is_amount(plain, match):
            yield match


def _is_amount(plain: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if end - start > MAX_NUMBER_CHARS or _COEFFICIENT.match(plain, end):
        return False
    lead = plain[max(0, start - MAX_LEAD_CHARS) : start]
    if lead.rstrip(" (#{").lower().endswith(_NUMBERED):
        return False
    begins = "\n" in lead or len(lead) == start
    return not (begins and _ITEM_END.match(plain, end) and lead.rpartition("\n")[2].strip(" *#>(-") == "")


def _results(plain: str, sentence: _Sentence, known: _Known) -> dict[Rational, float]:
    """Return the results of a sentence and what each costs.  What stands behind its equations is looked at when they are known."""
    results: dict[Rational, float] = {}
    start, numbers = sentence.start, sentence.numbers
    for chain in sentence.chains:
        before = []
        while numbers and numbers[0].start() < chain.end:
            before.append(numbers.popleft())
        result, cost = _equation(plain, start, chain, before, known)
        if result is not None:
            results[result] = max(cost, results.get(result, 0.0))
        start = chain.end
    for match in numbers:
        number = value_of(match[0])
        cost = known.alone(number)
        if cost:
            results.setdefault(number, cost)
            known.numbers.setdefault(number)
    return results


def _equation(plain: str, start: int, chain: Chain, before: list[re.Match[str]], known: _Known) -> tuple[Rational | None, float]:
    """Return the result of an equation, None where none was read, and what it costs.  `before` are the numbers of its clause."""
    values = [side.value.number for side in chain.sides if side.value is not None]
    result = values[-1] if values else None
    seen: dict[Rational, None] = {}
    cost = 0.0
    for match in before:
        number = value_of(match[0])
        if number != result and plain[max(0, match.start() - 4) : match.start()].rstrip(" $").endswith(("=", "≈")):
            result = number if result is None else result
        elif number != result:
            cost = max(cost, known.operand(number))
        seen[number] = None
    computed = False  # a side was: the next ones only go on with it
    for place, side in enumerate(chain.sides):
        if side.value is None:
            continue
        if side.value.decimals is None:
            operands = dict.fromkeys(literal(token) for token in side.tokens if token[0].isdecimal() or token[1:2].isdecimal())
            if not computed:
                cost = max([cost, *(known.operand(number) for number in operands if number not in seen)])
            computed = True
            seen |= operands
        elif place == 1 and chain.sides[0].value is None and not _OPERATED.search(plain[start : chain.named or side.start]):
            cost = max(cost, known.alone(side.value.number))
        seen[side.value.number] = None
    known.numbers.update(seen)
    return result, cost
