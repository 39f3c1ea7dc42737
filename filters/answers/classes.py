"""Answers to one question sorted into classes of equal ones, without comparing each with each.

Numbers and rational functions are classed by exact value, so that time is linear; roots, sets, intervals, matrices and relations
are compared one by one, and only so many.  All of them answer one question: a word that is no unit names what is counted there
("18 eggs" is 18), and a unit that is left out is the one that others write to that number ("18" is $18), where it is only one.
"""

import functools
from collections.abc import Hashable, Mapping
from fractions import Fraction
from typing import NamedTuple

from filters.answers.comparison import as_part, compare
from filters.answers.exact import Unevaluable, modular, rational
from filters.answers.expression import Expr, symbols
from filters.answers.quantity import PERCENT
from filters.answers.reading import Reading, read_answer
from filters.answers.scalars import CONSTANTS, Scalar, scalar_value
from filters.answers.units import read_unit

# Our rule: so many answers of the open kinds are compared, with so many others, those with the most votes first; the rest are equal
# only where their texts are.  64 of MATH-500's 500 golds are of the open kinds, and comparing two of them takes 23 µs on average.
MAX_OPEN = 16
MAX_OTHERS = 64

_POINTS = ("first", "second")  # as in `filters.answers.scalars`: two functions that agree at both are equal

Key = tuple[Hashable, ...]


class _Answer(NamedTuple):
    """What a text is as one of many answers."""

    key: Key  # equal ones are equal answers
    written: Fraction | None  # a constant's value in its own unit
    has_unit: bool
    reading: Reading | None  # where it may be equal to one with another key


def equal_classes(votes: Mapping[str, int]) -> list[list[str]]:
    """Return the texts of answers in classes of equal ones.  `votes` counts each text; the order of the texts does not matter."""
    classes: dict[Key, list[str]] = {}
    answers: dict[Key, list[_Answer]] = {}
    for text in sorted(votes):
        answer = _read(text)
        classes.setdefault(answer.key, []).append(text)
        answers.setdefault(answer.key, []).append(answer)
    for bare, named in _units_left_out(answers):
        classes[named] += classes.pop(bare)
    for one, other in _compared(classes, answers, votes):
        classes[other] += classes.pop(one)
    return list(classes.values())


def is_number(text: str) -> bool:
    """Say whether an answer is one number: without variables, and no collection or relation."""
    if _read(text).written is not None:
        return True
    scalar = _scalar(read_answer(text))
    return scalar is not None and symbols(scalar.expression) <= CONSTANTS


@functools.lru_cache(maxsize=4096)  # samples share few answers
def _read(text: str) -> _Answer:
    reading = read_answer(text)
    scalar = _scalar(reading)
    if reading is None or scalar is None:
        is_open = reading is not None and reading.part is not None
        return _Answer(_text(text, reading), None, False, reading if is_open else None)
    dimension, factor = _unit(scalar.unit)
    written = _constant(scalar.expression)
    if written is not None:
        return _Answer(("number", dimension, written * factor), written, dimension != "", reading)
    return _Answer(_function(scalar, dimension) or _text(text, reading), None, False, reading)


def _scalar(reading: Reading | None) -> Scalar | None:
    part = None if reading is None else as_part(reading)
    return None if part is None else scalar_value(part)


def _constant(expression: Expr) -> Fraction | None:
    try:
        return rational(expression)
    except Unevaluable:
        return None


def _function(scalar: Scalar, dimension: Hashable) -> Key | None:
    """Return the key of a rational function of its symbols, None where it is none."""
    try:
        return ("function", dimension, *(modular(scalar.expression, point) for point in _POINTS))
    except Unevaluable:
        return None


def _text(text: str, reading: Reading | None) -> Key:
    if reading is None:
        return ("text", text)
    return ("text", reading.text) if reading.words is None else ("words", reading.words)


def _unit(unit: str) -> tuple[Hashable, Fraction]:
    """Return what makes units of one kind, "" for none, and how many of its base unit one is."""
    known = read_unit(unit)
    if known is not None:
        return known.dimension, known.factor
    return unit if unit in PERCENT else "", Fraction(1)


def _units_left_out(answers: Mapping[Key, list[_Answer]]) -> list[tuple[Key, Key]]:
    """Return the classes without a unit, each with the class that it joins: the only one with a unit that writes its number.

    Where two of them would join one, as 5 and 5000 would join "5 km, 5000 m", neither does.
    """
    bare = {one.written: key for key, (one, *_) in answers.items() if one.written is not None and not one.has_unit}
    writers: dict[Fraction, set[Key]] = {}
    for key, of_key in answers.items():
        for one in of_key:
            if one.has_unit and one.written is not None and one.written in bare:
                writers.setdefault(one.written, set()).add(key)
    joined: dict[Key, list[Key]] = {}
    for written, keys in writers.items():
        for key in keys if len(keys) == 1 else ():
            joined.setdefault(key, []).append(bare[written])
    return [(alone[0], key) for key, alone in joined.items() if len(alone) == 1]


def _compared(
    classes: Mapping[Key, list[str]], answers: Mapping[Key, list[_Answer]], votes: Mapping[str, int]
) -> list[tuple[Key, Key]]:
    """Return classes of the open kinds that compare as equal to one before them, each with that one."""
    readings = {key: reading for key in classes if (reading := answers[key][0].reading) is not None}
    if not any(key[0] == "text" for key in readings):
        return []
    keys = sorted(readings, key=lambda key: (-sum(votes[text] for text in classes[key]), min(classes[key])))
    others = [key for key in keys if key[0] != "text"][:MAX_OTHERS]
    found: list[tuple[Key, Key]] = []
    for key in [key for key in keys if key[0] == "text"][:MAX_OPEN]:
        same = next((other for other in others if _same(readings[key], readings[other])), None)
        if same is None:
            others.append(key)
        else:
            found.append((key, same))
    return found


def _same(one: Reading, other: Reading) -> bool:
    """Say whether either is equal to the other as a gold: as a gold, "x = 5" asks for its label and 5 for none."""
    return compare(one, other).relation == "equal" or compare(other, one).relation == "equal"
