"""Column arithmetic: addition, subtraction and multiplication by the school method, written out in words."""

import dataclasses
import json
import math
import random
from typing import ClassVar, Literal, Self, cast

from pydantic import Field, model_validator

from generators.families.family import Family, Procedural, Slips, Trace
from generators.families.wording import mended
from schemas.problem import Problem

Operation = Literal["add", "multiply", "subtract"]
SIGNS: dict[Operation, str] = {"add": "+", "multiply": "×", "subtract": "-"}

PLACES = ("ones", "tens", "hundreds", "thousands", "ten-thousands", "hundred-thousands", "millions", "ten-millions")
QUESTIONS = (
    "What is {e}?",
    "Calculate {e}.",
    "Compute {e}.",
    "Work out {e}.",
    "Find the value of {e}.",
    "Evaluate {e} by hand.",
)
OPENINGS = (
    "I need {e}. Column by column, from the right.",
    "Let me work out {e} the way one does it on paper.",
    "Okay, {e}. I'll line the digits up and start with the ones.",
    "So the task is {e}. Starting at the right-hand end.",
    "{e}: no shortcuts, I'll go through it digit by digit.",
    "First I write the numbers under each other: {e}.",
)
COLUMNS = (  # one way of writing for a whole chain; {p} place, {s} the sum, {d} the digit put down
    ("{P}: {s}, write {d}, carry {c}.", "{P}: {s}, write {d}."),
    ("In the {p} column {s}, so {d} goes down and {c} is carried.", "In the {p} column {s}, so {d} goes down."),
    ("{P} place: {s}. I put {d} and keep {c}.", "{P} place: {s}. I put {d}."),
    ("Now the {p}: {s}; that leaves {d} here and {c} for the next column.", "Now the {p}: {s}; {d} it is."),
)
RESULTS = (
    "That gives {n}.",
    "So I get {n}.",
    "Reading the digits off: {n}.",
    "Together that is {n}.",
    "The result is {n}.",
)
REDOS = (
    "That doesn't match, so there is a mistake somewhere. Once more from the start.",
    "Hmm, those should agree and they don't. Let me redo the whole thing.",
    "Wait, that is off. I'll go through it again.",
)
VERIFY = 0.2  # share of chains that check their result at the end; a choice of style, no more
ATTEMPTS = 2  # a result that fails its check is worked out once more; then the last one stands


class Arithmetic(Procedural):
    """`[problems] source = "arithmetic"`: sums, products and non-negative differences of whole numbers."""

    name: ClassVar[str] = "arithmetic"
    source: Literal["arithmetic"] = "arithmetic"
    operations: tuple[Operation, ...] = Field(
        ("add", "subtract", "multiply"), min_length=1, strict=False, description="drawn from with equal chance"
    )
    min_digits: int = Field(2, ge=1, le=12, description="digits of each number, at least")
    max_digits: int = Field(5, ge=1, le=12, description="digits of each number, at most")
    max_terms: int = Field(2, ge=2, le=8, description="numbers added in one addition, 2 to this; the others always take 2")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min_digits > self.max_digits:
            raise ValueError(f"min_digits={self.min_digits} exceeds max_digits={self.max_digits}; min_digits must not be larger")
        return self

    def draw(self, rng: random.Random) -> Problem:
        """Return one problem; its answer is the integer in plain digits."""
        operation = rng.choice(self.operations)
        terms = rng.randint(2, self.max_terms) if operation == "add" else 2
        numbers = [self._number(rng) for _ in range(terms)]
        if operation == "subtract":
            numbers.sort(reverse=True)
        expression = f" {SIGNS[operation]} ".join(map(str, numbers))
        return Problem.of(
            question=rng.choice(QUESTIONS).format(e=expression),
            answer=str(_exact(operation, numbers)),
            checker="numeric",
            source=self.name,
            subject="arithmetic",
            language="en",
            metadata=json.dumps({"numbers": numbers, "operation": operation}, separators=(",", ":"), sort_keys=True),
        )

    def _number(self, rng: random.Random) -> int:
        digits = rng.randint(self.min_digits, self.max_digits)
        return rng.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def _exact(operation: Operation, numbers: list[int]) -> int:
    if operation == "add":
        return sum(numbers)
    return numbers[0] - numbers[1] if operation == "subtract" else numbers[0] * numbers[1]


@dataclasses.dataclass(slots=True)
class _Pen:
    """Writes the work.  Every elementary step passes through `step` or `forgets`, where it can go wrong."""

    rng: random.Random
    slips: Slips
    lines: list[str] = dataclasses.field(default_factory=list)
    style: int = 0

    def say(self, choices: tuple[str, ...], **words: object) -> None:
        self.lines.append(self.rng.choice(choices).format(**words))

    def step(self, expression: str, right: int) -> tuple[str, int]:
        """Return the words for one elementary sum, and the value with which the work goes on."""
        if not self.slips.slip(self.rng):
            return f"{expression} = {right}", right
        wrong = right + self.rng.choice((-1, 1, 2) if right > 1 else (1, 2))
        said = f"{expression} = {wrong}"
        if self.slips.noticed(self.rng):
            return f"{said}. {mended(self.rng, expression, right, wrong)}", right
        return said, wrong

    def forgets(self, what: str) -> tuple[str, bool]:
        """Return words about something forgotten and remembered (or none), and whether it stays forgotten."""
        if not self.slips.slip(self.rng):
            return "", False
        if not self.slips.noticed(self.rng):
            return "", True
        wording = ("Wait, I almost forgot {w}. ", "Hold on, there was {w} as well. ", "Hmm, don't lose {w}. ")
        return self.rng.choice(wording).format(w=what), False

    def column(self, place: int, words: str, written: int, carry: int) -> None:
        name = PLACES[place] if place < len(PLACES) else f"10^{place}"
        form = COLUMNS[self.style][0 if carry else 1]
        self.lines.append(form.format(p=name, P=name[0].upper() + name[1:], s=words, d=written, c=carry))


def _add(pen: _Pen, numbers: list[int]) -> int:
    """Write a column addition; return its sum as the work has it."""
    result = carry = 0
    width = len(str(max(numbers)))
    for place in range(width):
        digits = [number // 10**place % 10 for number in numbers if place < len(str(number))]
        aside, lost = pen.forgets(f"the carried {carry}") if carry else ("", False)
        if carry and not lost:
            digits.append(carry)
        right = sum(digits)
        words, total = pen.step(" + ".join(map(str, digits)), right) if len(digits) > 1 else (f"just {right}", right)
        last = place == width - 1
        carry, written = (0, total) if last else divmod(total, 10)
        pen.column(place, aside + words, written, carry)
        result += written * 10**place
    return result


def _subtract(pen: _Pen, larger: int, smaller: int) -> int:
    """Write a column subtraction, `smaller` not over `larger`; return the difference as the work has it."""
    result = borrowed = 0
    for place in range(len(str(larger))):
        top, bottom = larger // 10**place % 10, smaller // 10**place % 10
        aside, lost = pen.forgets("the 1 that I borrowed") if borrowed else ("", False)
        if borrowed and not lost:
            aside += f"{top} less the borrowed 1 is {top - 1}. " if top else "0 can't pay the borrowed 1. "
            top -= 1
        borrowed = int(top < bottom)
        if borrowed:
            aside += f"{top} is less than {bottom}, so I borrow: " if top >= 0 else "I borrow 10 and have 9: "
            top += 10
        words, digit = pen.step(f"{top} - {bottom}", top - bottom)
        digit = max(0, digit) % 10
        pen.column(place, aside + words, digit, 0)
        result += digit * 10**place
    return result


def _partial(pen: _Pen, number: int, digit: int) -> int:
    """Write `number` times one digit; return the product as the work has it."""
    result = carry = 0
    text = str(number)
    parts = []
    for place, char in enumerate(reversed(text)):
        words, total = pen.step(f"{char} × {digit}", int(char) * digit)
        if carry:
            aside, lost = pen.forgets(f"the carried {carry}")
            if not lost:
                more, total = pen.step(f"{total} + {carry}", total + carry)
                words = f"{words}; {aside}{more}"
        carry, written = (0, total) if place == len(text) - 1 else divmod(total, 10)
        parts.append(f"{words}, write {written}" + (f" carry {carry}" if carry else ""))
        result += written * 10**place
    head = pen.rng.choice(("{n} × {d}:", "Now {n} times {d}:", "Taking the digit {d}: {n} × {d}."))
    tail = pen.rng.choice(("That makes {r}.", "So {r}.", "Partial product {r}."))
    body = ". ".join(part[0].upper() + part[1:] for part in parts)
    pen.lines.append(f"{head.format(n=number, d=digit)} {body}. {tail.format(r=result)}")
    return result


def _multiply(pen: _Pen, first: int, second: int) -> int:
    """Write a long multiplication; return the product as the work has it."""
    partials: list[int] = []
    for place, char in enumerate(reversed(str(second))):
        if char == "0":
            continue
        value = _partial(pen, first, int(char))
        if place and value:
            words, zeros = pen.step("zeros to append", place)
            value *= 10**zeros
            pen.lines.append(f"The {char} stands {place} from the right, {words}: {value}.")
        partials.append(value)
    if not partials:
        pen.say(("Anything times 0 is 0.", "A factor is 0, and so is the product."))
    if len(partials) < 2:
        return sum(partials)
    pen.say(
        ("Adding the partial products: {e}.", "Now add up {e}.", "What remains is {e}."),
        e=" + ".join(map(str, partials)),
    )
    return _add(pen, partials)


def _work(pen: _Pen, operation: Operation, numbers: list[int]) -> int:
    if operation == "add":
        return _add(pen, numbers)
    return _subtract(pen, *numbers) if operation == "subtract" else _multiply(pen, *numbers)


def _verified(pen: _Pen, operation: Operation, numbers: list[int], result: int) -> bool:
    """Write an independent check; return whether it holds.  Casting out nines misses an error divisible by 9."""
    ask = pen.rng.choice(("Let me verify.", "Quick check:", "To be sure, a check the other way round:", "Does that hold up?"))
    if operation == "subtract":
        back = result + numbers[1]
        pen.lines.append(f"{ask} {result} + {numbers[1]} = {back}, and it should be {numbers[0]}.")
        return back == numbers[0]
    if operation == "add" and pen.rng.random() < 0.5:
        back = result - sum(numbers[1:])
        taken = " - ".join(map(str, numbers[1:]))
        pen.lines.append(f"{ask} {result} - {taken} = {back}, and it should be {numbers[0]}.")
        return back == numbers[0]
    nines = [number % 9 for number in numbers]
    combined = (sum(nines) if operation == "add" else math.prod(nines)) % 9
    shown = ", ".join(f"{number} leaves {nine}" for number, nine in zip(numbers, nines, strict=True))
    pen.lines.append(f"{ask} Modulo 9, {shown}; so the result should leave {combined}, and {result} leaves {result % 9}.")
    return result % 9 == combined


def solve(problem: Problem, rng: random.Random, slips: Slips) -> Trace:
    """Return the school method for the problem in words; with `slips.rate` 0 the response is always right."""
    instance = json.loads(problem.metadata)
    operation, numbers = cast(Operation, instance["operation"]), list(map(int, instance["numbers"]))
    pen = _Pen(rng, slips, style=rng.randrange(len(COLUMNS)))
    pen.say(OPENINGS, e=f" {SIGNS[operation]} ".join(map(str, numbers)))
    verify = rng.random() < VERIFY
    result = 0
    for attempt in range(1, ATTEMPTS + 1):
        result = _work(pen, operation, numbers)
        pen.say(RESULTS, n=result)
        if not verify:
            break
        if _verified(pen, operation, numbers, result):
            pen.say(("It matches.", "Good, that agrees.", "Yes, that works out."))
            break
        pen.say(REDOS if attempt < ATTEMPTS else ("Still not the same. I can't find the error, so I'll leave it at that.",))
    return Trace(reasoning=rng.choice((" ", "\n")).join(pen.lines), response=f"The answer is {result}.")


FAMILY = Family(source=Arithmetic, solve=solve, checker=None)
