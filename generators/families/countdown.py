"""Countdown: combine given numbers, each exactly once, with + - * / to reach a target; solved by searching in words."""

import collections
import dataclasses
import json
import random
from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from generators.families.expression import MAX_LENGTH, Expression, Unparsed, expression_of
from generators.families.family import Family, Procedural, Slips, Trace
from generators.families.wording import mended
from schemas.annotation import Status, Verdict
from schemas.errors import UserError
from schemas.problem import Problem

QUESTIONS = (
    "Use the numbers {n}, each exactly once, with +, -, * and / (and parentheses) to make {t}.",
    "Write an expression for {t} that uses each of {n} exactly once. Only +, -, *, / and parentheses are allowed.",
    "Make {t} out of {n}. Use every number exactly once, and only +, -, *, / and parentheses.",
    "The numbers are {n}, the target is {t}. Reach it with +, -, *, / and parentheses; use each number exactly once.",
)
OPENINGS = ("I have {n} and want {t}.", "The target is {t}; I have {n}.", "Let me see how {t} could come out of {n}.")
PLANS = {
    "depth": ("I'll follow one idea to its end before I try another.", "Let me try things and go back when stuck.", ""),
    "breadth": (
        "I'll list everything one step away first, then go further.",
        "Level by level, so that I miss nothing.",
    ),
}
TRIES = ("Try {s}; that leaves {l}.", "{s}. Left: {l}.", "What about {s}? Then I have {l}.", "Next: {s}, leaving {l}.")
FAILS = ("None is {t}.", "No way to {t}.", "Not {t}.", "{t} is not among them.", "No {t} there.")
BACKS = ("Go back.", "Dead end, so back to {l}.", "That branch is done; back to {l}.", "Back up.")
HITS = ("That's {t}!", "There it is.", "Yes, that is {t}.", "And that is the target.")
GIVE_UPS = ("I find no way, so I give up.", "I have run out of ideas here and give up.")
VERIFY = 0.25  # share of chains that put the numbers back in at the end; a choice of style, no more
ATTEMPTS = 2
MAX_NODES = 400  # 4 numbers have at most 1 + 24 + 24 * 12 = 313 tables, so those are always searched to the end
MAX_TEXT = 50_000  # characters; the longest of 20,000 default searches wrote 13,767
MAX_DRAWS = 2000  # tries for a target within bounds


class Countdown(Procedural):
    """`[problems] source = "countdown"`.  A solution with whole, positive intermediate results always exists."""

    name: ClassVar[str] = "countdown"
    source: Literal["countdown"] = "countdown"
    min_numbers: int = Field(3, ge=2, le=6, description="numbers given, at least")
    max_numbers: int = Field(4, ge=2, le=6, description="numbers given, at most; the solver gives up on some of 5 or 6")
    max_number: int = Field(25, ge=2, le=100, description="each number is 1 to this")
    min_target: int = Field(10, ge=1, le=10_000, description="smallest target")
    max_target: int = Field(100, ge=1, le=10_000, description="largest target")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_numbers > self.max_numbers:
            raise ValueError(f"min_numbers={self.min_numbers} exceeds max_numbers={self.max_numbers}")
        if self.min_target > self.max_target:
            raise ValueError(f"min_target={self.min_target} exceeds max_target={self.max_target}")
        return self

    def draw(self, rng: random.Random) -> Problem:
        """Return one problem whose gold is one of its solutions.  Raises UserError where the knobs leave none."""
        for _ in range(MAX_DRAWS):
            numbers = [rng.randint(1, self.max_number) for _ in range(rng.randint(self.min_numbers, self.max_numbers))]
            target, gold = _combined(rng, numbers)
            if self.min_target <= target <= self.max_target:
                break
        else:
            raise UserError(
                f"countdown: no target from {self.min_target} to {self.max_target} in {MAX_DRAWS} draws of up to "
                f"{self.max_numbers} numbers up to {self.max_number}; widen the target range"
            )
        return Problem.of(
            question=rng.choice(QUESTIONS).format(n=_left(_laid(numbers)), t=target),
            answer=gold,
            checker=self.name,
            source=self.name,
            subject="arithmetic",
            language="en",
            metadata=json.dumps({"numbers": numbers, "target": target}, separators=(",", ":"), sort_keys=True),
        )


class _Item(NamedTuple):
    """A number on the table: its value, as the work has it, and the expression that it stands for."""

    value: int
    text: str


class _Move(NamedTuple):
    first: int  # index of an item, not below the second
    second: int
    sign: str
    value: int


_Table = tuple[_Item, ...]


def _moves(items: Sequence[_Item]) -> list[_Move]:
    """Return every way to combine two items into a whole, positive number, without dividing by 1."""
    moves = []
    for i, left in enumerate(items):
        for j in range(i + 1, len(items)):
            first, second = (i, j) if left.value >= items[j].value else (j, i)
            a, b = items[first].value, items[second].value
            moves += [_Move(first, second, "+", a + b), _Move(first, second, "*", a * b)]
            if a > b:
                moves.append(_Move(first, second, "-", a - b))
            if b > 1 and a % b == 0:
                moves.append(_Move(first, second, "/", a // b))
    return moves


def _after(items: _Table, move: _Move, value: int) -> _Table:
    """Return the table after a move whose result is taken to be `value`."""
    made = _Item(value, f"({items[move.first].text} {move.sign} {items[move.second].text})")
    return (made, *(item for index, item in enumerate(items) if index not in (move.first, move.second)))


def _laid(numbers: list[int]) -> _Table:
    return tuple(_Item(number, str(number)) for number in numbers)


def _combined(rng: random.Random, numbers: list[int]) -> tuple[int, str]:
    items = _laid(numbers)
    while len(items) > 1:
        move = rng.choice(_moves(items))
        items = _after(items, move, move.value)
    return items[0].value, items[0].text[1:-1]


def _left(items: _Table) -> str:
    return ", ".join(str(item.value) for item in items)


@dataclasses.dataclass(slots=True)
class _Search:
    """A search that writes as it goes.  `nodes` counts the tables looked at, `size` the characters written."""

    rng: random.Random
    slips: Slips
    target: int
    lines: list[str]
    nodes: int = 0
    size: int = 0
    seen: set[tuple[int, ...]] = dataclasses.field(default_factory=set)

    def write(self, line: str) -> None:
        self.size += len(line)
        self.lines.append(line)

    def spent(self) -> bool:
        """Return whether the budget is used up."""
        return self.nodes >= MAX_NODES or self.size >= MAX_TEXT

    def fresh(self, items: _Table) -> bool:
        """Return whether these numbers have not been on the table before, and note them."""
        key = tuple(sorted(item.value for item in items))
        if key in self.seen:
            return False
        self.seen.add(key)
        return True

    def ordered(self, items: _Table) -> list[_Move]:
        """Return the moves, those near the target first, with some noise so that no two searches look alike."""
        noise = self.target * 0.5
        return sorted(_moves(items), key=lambda move: abs(move.value - self.target) + self.rng.random() * noise)

    def step(self, items: _Table, move: _Move) -> tuple[str, int]:
        """Return the words for one move, and the value with which the work goes on."""
        expression = f"{items[move.first].value} {move.sign} {items[move.second].value}"
        if not self.slips.slip(self.rng):
            return f"{expression} = {move.value}", move.value
        wrong = move.value + self.rng.choice((-2, -1, 1, 2, 10) if move.value > 2 else (1, 2, 10))
        if self.slips.noticed(self.rng):
            return f"{expression} = {wrong}... {mended(self.rng, expression, move.value, wrong)}", move.value
        return f"{expression} = {wrong}", wrong

    def pair(self, items: _Table) -> str | None:
        """Write what the last two numbers can make; return the expression if one of it is the target."""
        said, found = [], None
        for move in _moves(items):
            words, value = self.step(items, move)
            said.append(words)
            found = _after(items, move, value)[0].text[1:-1] if value == self.target else None
            if found:
                break
        self.write(f"{', '.join(said)}. {self.rng.choice(HITS if found else FAILS).format(t=self.target)}")
        return found

    def depth(self, items: _Table) -> str | None:
        """Search depth first; return an expression or None."""
        self.nodes += 1
        if len(items) == 2:
            return self.pair(items)
        for move in self.ordered(items):
            if self.spent():
                return None
            words, value = self.step(items, move)
            child = _after(items, move, value)
            if not self.fresh(child):
                continue
            self.write(self.rng.choice(TRIES).format(s=words, l=_left(child)))
            if found := self.depth(child):
                return found
            self.write(self.rng.choice(BACKS).format(l=_left(items)))
        return None

    def breadth(self, items: _Table) -> str | None:
        """Search breadth first; return an expression or None."""
        queue = collections.deque([items])
        while queue and not self.spent():
            table = queue.popleft()
            self.nodes += 1
            if len(table) == 2:
                self.write(self.rng.choice(("With {l}:", "Now {l}:", "{l}.")).format(l=_left(table)))
                if found := self.pair(table):
                    return found
                continue
            said = []
            for move in self.ordered(table):
                words, value = self.step(table, move)
                child = _after(table, move, value)
                if self.fresh(child):
                    queue.append(child)
                    said.append(f"{words} ({_left(child)})")
            if said:
                self.write(f"From {_left(table)}: {'; '.join(said)}.")
        return None


def solve(problem: Problem, rng: random.Random, slips: Slips) -> Trace:
    """Return a search in words.  With `slips.rate` 0 and up to 4 numbers it always ends at a solution."""
    instance = json.loads(problem.metadata)
    numbers, target = list(map(int, instance["numbers"])), int(instance["target"])
    start = _laid(numbers)
    strategy = rng.choice(("depth", "breadth"))
    lines = [rng.choice(OPENINGS).format(n=_left(start), t=target), rng.choice(PLANS[strategy])]
    verify = rng.random() < VERIFY
    found = None
    for attempt in range(1, ATTEMPTS + 1):
        search = _Search(rng, slips, target, lines)
        found = search.depth(start) if strategy == "depth" else search.breadth(start)
        if found is None or not verify or _verified(rng, found, target, lines):
            break
        lines.append("So I slipped somewhere. Let me search again." if attempt < ATTEMPTS else "Wrong again. I'll leave it.")
    if found is None:
        lines.append(rng.choice(GIVE_UPS))
    reasoning = rng.choice((" ", "\n")).join(line for line in lines if line)
    return Trace(reasoning, f"The answer is {found}." if found else "I could not find such an expression.")


def _verified(rng: random.Random, expression: str, target: int, lines: list[str]) -> bool:
    parser = Expression(expression)
    holds = parser.value() == target
    ask = rng.choice(("Check:", "Let me verify:", "Putting the numbers back in:"))
    lines.append(f"{ask} {expression}: {', '.join(parser.steps)}. " + ("Good." if holds else f"That is not {target}."))
    return holds


class CountdownChecker:
    """Accepts any expression that uses the given numbers exactly once each and equals the target, exactly."""

    name = "countdown_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict.  What does not read as an expression is `unsure`; nothing to read is `incorrect`."""
        try:
            instance = json.loads(problem.metadata)
            numbers, target = sorted(map(int, instance["numbers"])), int(instance["target"])
        except (ValueError, KeyError, TypeError):
            return Verdict("error", None, self.name, "gold_unreadable")
        text = expression_of(response)
        if text is None:
            return Verdict("incorrect", None, self.name, "no_answer")
        status, reason = _judged(text, numbers, target)
        return Verdict(status, text[:MAX_LENGTH], self.name, reason)


def _judged(text: str, numbers: list[int], target: int) -> tuple[Status, str]:
    try:
        parser = Expression(text)
        value = parser.value()
    except Unparsed:
        return "unsure", "unparsed"
    except ZeroDivisionError:
        return "incorrect", "division_by_zero"
    if sorted(parser.numbers) != numbers:
        return "incorrect", "wrong_numbers"
    return ("correct", "equal") if value == target else ("incorrect", "wrong_value")


FAMILY = Family(source=Countdown, solve=solve, checker=CountdownChecker())
