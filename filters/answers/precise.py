"""Evaluation to many digits: whether two expressions with roots, logarithms or trigonometry are the same function.

They are compared at fixed points (hashed from the variables' names) with as many digits as no written term can hide under.
"""

import functools
import hashlib
import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Literal

import mpmath

from filters.answers.exact import Unevaluable, binomial, factorial, rational
from filters.answers.expression import Expr, Num, Op, Sym, walk

DIGITS = 50  # that must agree, on top of the written ones: exp(π√652) and the next integer agree in 44
GUARD_DIGITS = 30  # lost to cancellation at most: 30 digits are 100 operations that each lose a bit
MAX_DIGITS = 1000  # working digits at most; where numerals or powers need more, nothing is said
MAX_MAGNITUDE = 4096  # bits of an exponent or a function's argument: beyond it a value has more digits than can be computed
POINTS = (("0", 0, 1), ("1", 0, 1), ("2", 1, 3), ("3", 1, 3), ("4", -2, 0), ("5", -2, 0))  # name, from, to: inside, above, negative

Agreement = Literal["everywhere", "nowhere", "mixed", "unknown"]

_local = threading.local()


def _context() -> Any:
    """Return this thread's own mpmath context: the precision of a shared one would change under other threads."""
    if not hasattr(_local, "mp"):
        _local.mp = mpmath.MPContext()
    return _local.mp


def agreement(left: Expr, right: Expr) -> Agreement:
    """Say at how many of the points the two agree.  "mixed" is most often a matter of the domain: √x² and x.

    "unknown" where too few points can be evaluated: without variables one, with variables two.
    """
    digits = DIGITS + GUARD_DIGITS + _written_digits(left) + _written_digits(right)
    if digits > MAX_DIGITS:
        return "unknown"
    names = sorted({node.name for one in (left, right) for node in walk(one) if isinstance(node, Sym)} - _CONSTANTS)
    results: list[bool] = []
    mp = _context()
    with mp.workdps(digits):
        for name, low, high in POINTS if names else POINTS[:1]:
            values = {symbol: _coordinate(mp, symbol, name, low, high) for symbol in names}
            try:
                results.append(_agree(mp, _evaluate(mp, left, values), _evaluate(mp, right, values)))
            except (Unevaluable, ArithmeticError, ValueError, TypeError):
                continue
    if len(results) < (2 if names else 1):
        return "unknown"
    return "everywhere" if all(results) else "mixed" if any(results) else "nowhere"


_CONSTANTS = frozenset(("pi", "e", "i"))


def _written_digits(expression: Expr) -> int:
    """Return an upper bound of the digits that a written term can need to be seen: of its numerals and decimal exponents."""
    digits = 0
    for node in walk(expression):
        if isinstance(node, Num):
            digits += (node.value.numerator.bit_length() + node.value.denominator.bit_length()) * 3 // 10
        elif isinstance(node, Op) and node.name in ("pow", "fact"):
            digits += _power_digits(node)
    return digits


def _power_digits(node: Op) -> int:
    if node.name == "fact":
        return MAX_DIGITS // 4
    try:
        exponent = abs(rational(node.args[1]))
    except Unevaluable:
        return 0
    try:
        base = abs(rational(node.args[0]))
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    except Unevaluable:
        bits = 4
    return min(int(exponent * bits * 3 // 10), MAX_DIGITS + 1)


@functools.lru_cache(maxsize=1024)
def _fraction_at(symbol: str, point: str, low: int, high: int) -> Fraction:
    digest = hashlib.blake2b(f"{point}/{symbol}".encode(), digest_size=8).digest()
    share = Fraction(int.from_bytes(digest, "big") % 9973 + 13, 10007)  # two primes: never a round number
    return low + share * (high - low)


def _coordinate(mp: Any, symbol: str, point: str, low: int, high: int) -> Any:
    value = _fraction_at(symbol, point, low, high)
    return mp.mpf(value.numerator) / value.denominator


def _agree(mp: Any, left: Any, right: Any) -> bool:
    """Say whether two values agree in all digits but the guard's.  Raises Unevaluable for infinities and nan."""
    if not (mp.isfinite(left) and mp.isfinite(right)):
        raise Unevaluable("no finite value")
    scale = max(abs(left), abs(right))
    # Zero against zero by cancellation: both are smaller than any written term can be.
    return bool(
        abs(left - right) <= scale * mp.mpf(10) ** -(mp.dps - GUARD_DIGITS) or scale <= mp.mpf(10) ** -(mp.dps - GUARD_DIGITS // 2)
    )


def _evaluate(mp: Any, expression: Expr, values: Mapping[str, Any]) -> Any:
    if isinstance(expression, Num):
        return mp.mpf(expression.value.numerator) / expression.value.denominator
    if isinstance(expression, Sym):
        if expression.name in values:
            return values[expression.name]
        if expression.name == "oo":
            raise Unevaluable("infinity")
        return {"pi": mp.pi, "e": mp.e, "i": mp.j}[expression.name] * 1
    if expression.name == "fact":
        return mp.mpf(factorial(rational(expression.args[0])))
    if expression.name == "binom":
        return mp.mpf(binomial(rational(expression.args[0]), rational(expression.args[1])))
    args = [_evaluate(mp, one, values) for one in expression.args]
    for arg in args:
        if not mp.isfinite(arg) or mp.mag(arg) > MAX_MAGNITUDE:
            raise Unevaluable("out of range")
    return _OPERATIONS[expression.name](mp, *args) if expression.name in _OPERATIONS else _function(mp, expression.name, *args)


def _function(mp: Any, name: str, argument: Any) -> Any:
    if name == "exp" and mp.mag(argument) > 12:  # e^4096 has MAX_MAGNITUDE bits
        raise Unevaluable("out of range")
    return getattr(mp, _NAMES.get(name, name))(argument)


def _power(mp: Any, base: Any, exponent: Any) -> Any:
    if not base and exponent.real <= 0:
        raise Unevaluable("0 to the power of 0 or less")
    if base and mp.mag(exponent) + mp.mag(abs(mp.mag(base)) + 1) > 13:
        raise Unevaluable("out of range")
    return mp.power(base, exponent)


def _root(mp: Any, radicand: Any, degree: Any) -> Any:
    """Return the real root where there is one: the cube root of −8 is −2."""
    if degree != int(degree.real) or not 1 <= degree.real <= 100:
        raise Unevaluable("a root's degree is no small whole number")
    whole = int(degree.real)
    if mp.im(radicand) == 0 and mp.re(radicand) < 0 and whole % 2:
        return -mp.root(-mp.re(radicand), whole)
    return mp.root(radicand, whole)


def _log(mp: Any, argument: Any, base: Any = None) -> Any:
    if not argument or base == 1:
        raise Unevaluable("logarithm of 0")
    return mp.log(argument) if base is None else mp.log(argument) / mp.log(base)


def _whole(mp: Any, floor: bool, argument: Any) -> Any:
    if mp.im(argument):
        raise Unevaluable("no real number")
    return mp.floor(argument) if floor else mp.ceil(argument)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda mp, *args: mp.fsum(args),
    "mul": lambda mp, *args: mp.fprod(args),
    "neg": lambda mp, one: -one,
    "div": lambda mp, one, other: one / other,
    "pow": _power,
    "sqrt": lambda mp, one: mp.sqrt(one),
    "root": _root,
    "abs": lambda mp, one: abs(one),
    "floor": lambda mp, one: _whole(mp, True, one),
    "ceil": lambda mp, one: _whole(mp, False, one),
    "degrees": lambda mp, one: one * mp.pi / 180,
    "log": _log,
}
_NAMES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot"}
