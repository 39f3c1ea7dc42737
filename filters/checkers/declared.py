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
_PLAIN_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\d_\u4e00-\u9fff]+")
_CURRENCY_NAMES = {"$": ("dollar",), "€": ("euro",), "£": ("pound",), "¥": ("yen", "yuan"), "₹": ("rupee",)}


def tolerance_of(problem: Problem) -> Fraction | None:
    """Return the relative tolerance that `metadata` declares, 0 where it declares none, None where it is no such number."""
    if '"tolerance"' not in problem.metadata:
        return Fraction(0)
    try:
        declared = json.loads(problem.metadata, parse_float=Fraction).get("tolerance", 0)
    except (ValueError, AttributeError, RecursionError):
        return None
    if isinstance(declared, bool) or not isinstance(declared, int | Fraction):
        return None
    return Fraction(declared) if 0 <= declared <= MAX_TOLERANCE else None


def names_unit(question: str, unit: str) -> bool:
    """Say whether a question names a unit, so that an answer may leave it out: "How many square inches …" for "864 inches^2"."""
    return _names_unit(question[:MAX_QUESTION_CHARS].casefold(), unit)


@functools.lru_cache(maxsize=64)  # samples of a problem share its question; 24 KiB a question at most
def _names_unit(question: str, unit: str) -> bool:
    if unit in CURRENCIES:
        return unit in question or any(_holds(question, name) for name in _CURRENCY_NAMES[unit])
    wanted = read_unit(unit)
    if wanted is None:
        return _holds(question, unit)
    words = _WORD.findall(question)
    return any(read_unit(" ".join(words[place : place + size])) == wanted for size in (1, 2, 3) for place in range(len(words)))


def _holds(text: str, name: str) -> bool:
    """Say whether a text holds a name as whole words."""
    words = _plain_words(name)
    return bool(words) and f" {words} " in f" {_plain_words(text)} "


def _plain_words(text: str) -> str:
    """Return the words without their plural s, one space between two; nothing parts Chinese words, so each sign is one."""
    return " ".join(word.removesuffix("s") for word in _PLAIN_WORD.findall(text))
