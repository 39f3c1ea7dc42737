"""Values of an algebra system's expressions at a point, with as many digits as no term can hide under.

Only exact arithmetic on what was written and mpmath's functions: no simplification, no chopping of small values.  Runs in the
helper process, where sympy is; nothing else imports it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import sympy
from mpmath import mp

DIGITS = 50  # in which two values must agree, relative to the smallest term: exp(π√652) and the next integer do in 44
GUARD = 15  # digits that rounding may take
MAX_DIGITS = 3000  # working digits; where terms differ by more orders of magnitude, nothing is said
MAX_BITS = 10_000  # of a value's exponent, 3,000 decimal orders
MAX_NODES = 512  # of an expression, inspect_ai's static limit
MAX_FACTORIAL = 1000  # 1000! has 2,568 digits

Point = Mapping[Any, Any]  # sympy symbol → sympy rational


class Unclear(Exception):
    """The value cannot be had.  `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Difference(NamedTuple):
    """How two values compare.  `branch` where one is a root or logarithm of what is not positive: a matter of convention."""

    relation: Literal["same", "different"]
    relative: float  # of the values' distance to the larger one
    sign: int  # of the first minus the second: -1, 0, 1; 0 also where they are not real
    branch: bool


def difference(one: Any, other: Any, point: Point) -> Difference:
    """Compare two expressions at a point.  Raises Unclear where either has no finite value there that can be computed."""
    digits = DIGITS + 10
    while digits <= MAX_DIGITS:
        rough = [_Walk(point, digits), _Walk(point, digits)]
        fine = [_Walk(point, 2 * digits), _Walk(point, 2 * digits)]
        try:
            for walks in (rough, fine):
                values = [walks[0].value_of(one), walks[1].value_of(other)]
        except (ArithmeticError, ValueError) as error:
            raise Unclear("undefined") from error
        low, high = _span(rough, fine)
        orders = int((high - low) * 0.302) + 1
        if digits >= DIGITS + orders:
            with mp.workdps(2 * digits):
                return _compared(values, high, digits, any(walk.branch for walk in fine))
        digits = DIGITS + orders + 10
    raise Unclear("magnitude")


def _span(rough: list["_Walk"], fine: list["_Walk"]) -> tuple[int, int]:
    """Return the binary orders of the smallest and the largest value on the way.

    A value that shrinks with more digits is a zero behind rounding, not a small term.
    """
    pairs = [pair for less, more in zip(rough, fine, strict=True) for pair in zip(less.orders, more.orders, strict=True)]
    if any(more is not None and less is not None and more - less > 2 for less, more in pairs):
        raise Unclear("undefined")  # a pole behind rounding: tan 90°
    real = [more for less, more in pairs if more is not None and less is not None and abs(less - more) <= 2]
    return min(real, default=0), max([0, *real])


def _compared(values: list[Any], high: int, digits: int, branch: bool) -> Difference:
    first, second = values
    gap, scale = abs(first - second), max(abs(first), abs(second))
    noise = mp.ldexp(1, high) * mp.mpf(10) ** (GUARD - 2 * digits)
    if gap <= noise:
        return Difference("same", 0.0, 0, branch)
    if gap <= noise * mp.mpf(10) ** GUARD:
        raise Unclear("precision")
    sign = 0 if mp.im(first) or mp.im(second) else int(mp.sign(mp.re(first - second)))
    return Difference("different", float(gap / scale), sign, branch)


class _Walk:
    """One evaluation: the orders of magnitude that it met, and whether it crossed a branch."""

    def __init__(self, point: Point, digits: int) -> None:
        self.orders: list[int | None] = []
        self.branch = False
        self._point = point
        self._digits = digits

    def value_of(self, expression: Any) -> Any:
        with mp.workdps(self._digits):
            return self._value(expression)

    def _value(self, node: Any) -> Any:
        if len(self.orders) >= MAX_NODES:
            raise Unclear("nodes")
        self.orders.append(None)
        place = len(self.orders) - 1
        value = self._leaf(node) if not node.args else self._operation(node)
        if not mp.isfinite(value):
            raise Unclear("undefined")
        if value:
            order = int(mp.mag(value))
            if abs(order) > MAX_BITS:
                raise Unclear("magnitude")
            self.orders[place] = order
        return value

    def _leaf(self, node: Any) -> Any:
        if node.is_Rational:
            return mp.mpf(int(node.p)) / int(node.q)
        if node.is_Symbol and node in self._point:
            return self._leaf(self._point[node])
        if node in _CONSTANTS:
            return _CONSTANTS[node]() * 1
        raise Unclear("unsupported")

    def _operation(self, node: Any) -> Any:
        arguments = [self._value(argument) for argument in node.args]
        if node.is_Add:
            return mp.fsum(arguments)
        if node.is_Mul:
            return mp.fprod(arguments)
        if node.is_Pow:
            return self._power(*arguments)
        if isinstance(node, sympy.exp):
            return self._power(mp.e * 1, arguments[0])
        if isinstance(node, sympy.log):
            return self._logarithm(*arguments)
        if isinstance(node, sympy.floor | sympy.ceiling):
            return self._whole(arguments[0], isinstance(node, sympy.floor))
        if isinstance(node, sympy.factorial):
            return _factorial(*arguments)
        if isinstance(node, sympy.binomial):
            return _binomial(*arguments)
        function = _FUNCTIONS.get(node.func)
        if function is None:
            raise Unclear("unsupported")
        if node.func in _INVERSES and (mp.im(arguments[0]) or abs(arguments[0]) > 1):
            self.branch = True
        return function(arguments[0])

    def _power(self, base: Any, exponent: Any) -> Any:
        if not base:
            if mp.im(exponent) or mp.re(exponent) <= 0:
                raise Unclear("undefined")  # 0^0 among them
            return base
        if not mp.im(exponent) and mp.isint(mp.re(exponent)):
            whole = int(mp.re(exponent))
            if abs(whole) * (abs(int(mp.mag(base))) + 1) > MAX_BITS and abs(base) != 1:
                raise Unclear("magnitude")
            return base**whole
        if mp.mag(exponent) + mp.mag(abs(int(mp.mag(base))) + 1) > 14:  # about MAX_BITS
            raise Unclear("magnitude")
        if mp.im(base) or mp.re(base) < 0:
            self.branch = True
        return mp.power(base, exponent)

    def _logarithm(self, argument: Any, base: Any = None) -> Any:
        if any(mp.im(value) or mp.re(value) <= 0 for value in (argument, base) if value is not None):
            self.branch = True
        return mp.log(argument) if base is None else mp.log(argument) / mp.log(base)

    def _whole(self, value: Any, floor: bool) -> Any:
        if mp.im(value):
            raise Unclear("undefined")
        nearest = mp.nint(value)
        if abs(value - nearest) < mp.mpf(10) ** -(self._digits // 2):  # a whole number behind rounding
            return nearest
        return mp.floor(value) if floor else mp.ceil(value)


def _natural(value: Any) -> int:
    if mp.im(value) or not mp.isint(value) or not 0 <= value <= MAX_FACTORIAL:
        raise Unclear("undefined")
    return int(value)


def _factorial(value: Any) -> Any:
    return mp.mpf(math.factorial(_natural(value)))


def _binomial(n: Any, k: Any) -> Any:
    return mp.binomial(_natural(n), _natural(k))


_CONSTANTS: dict[Any, Callable[[], Any]] = {
    sympy.pi: lambda: mp.pi,
    sympy.E: lambda: mp.e,
    sympy.I: lambda: mp.j,
}
_FUNCTIONS: dict[Any, Callable[[Any], Any]] = {
    getattr(sympy, name): getattr(mp, mpmath_name or name)
    for name, _, mpmath_name in (
        one.partition(":")
        for one in "sin cos tan cot sec csc asin acos atan sinh cosh tanh UnevaluatedExpr:mpmathify Abs:fabs".split()
    )
}
_INVERSES = frozenset((sympy.asin, sympy.acos))
