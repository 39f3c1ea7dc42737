"""What a problem itself declares about its answers: a tolerance in its metadata, a unit named in its question."""

import functools
import json
import re
from fractions import Fraction

from filters.answers.quantity import CURRENCIES
from filters.answers.units import read_unit
from schemas.problem import Problem

MAX_TOLERANCE = Fraction(1, 10)  # relative; beyond it a wrong digit would pass, so it is a slip of the pen
MAX_QUESTION_CHARS = 4096  # of a question that are looked at: GSM8K's longest has 985, MATH-500's 1,733
UNREADABLE_TOLERANCE = "tolerance_unreadable"

_WORD = re.compile(r"[^\W\d_]+(?:\^[23]|[²³])?")
_CURRENCY_NAMES = {"$": ("$", "dollar"), "€": ("€", "euro"), "£": ("£", "pound"), "¥": ("¥", "yen", "yuan"), "₹": ("₹", "rupee")}


def tolerance_of(problem: Problem) -> Fraction | None:
    """Return the relative tolerance that `metadata` declares, 0 where it declares none, None where it is no such number."""
    if '"tolerance"' not in problem.metadata:
        return Fraction(0)
    return _declared(problem.metadata)


@functools.lru_cache(maxsize=1024)
def _declared(metadata: str) -> Fraction | None:
    try:
        declared = json.loads(metadata, parse_float=Fraction).get("tolerance", 0)
    except (ValueError, AttributeError, RecursionError):
        return None
    if isinstance(declared, bool) or not isinstance(declared, int | Fraction):
        return None
    return Fraction(declared) if 0 <= declared <= MAX_TOLERANCE else None


@functools.lru_cache(maxsize=1024)
def names_unit(question: str, unit: str) -> bool:
    """Say whether a question names a unit, so that an answer may leave it out: "How many square inches …" for "864 inches^2"."""
    question = question[:MAX_QUESTION_CHARS].casefold()
    if unit in CURRENCIES:
        return any(name in question for name in _CURRENCY_NAMES[unit])
    wanted = read_unit(unit)
    words = _WORD.findall(question)
    if wanted is None:
        return bool(unit) and unit in " ".join(words).replace("s ", " ")
    return any(read_unit(" ".join(words[place : place + size])) == wanted for size in (1, 2, 3) for place in range(len(words)))
