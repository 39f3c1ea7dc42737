"""Whether two mathematical objects are the same, by their values at random points: never by simplification.

"same" and "different" are said only of objects of one kind where all points speak alike; what depends on the domain (√x² and x,
sin πn and 0) or on a convention (a root of a negative number, a name on one side) is "unclear".  Runs in the helper process.
"""

import hashlib
import itertools
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import sympy
from sympy.core.relational import Relational

from filters.symbolic.values import Difference, Point, Unclear, difference

Relation = Literal["same", "different", "unclear"]

ROUNDING = 0.01  # relative: nearer than this, a decimal may be rounded; a tolerance is the typed layer's to declare
POSITIVE, WHOLE, ANY = "positive", "whole", "any"  # sorts of point
COUNTS = {POSITIVE: 4, WHOLE: 4, ANY: 4}
MIN_POINTS = 3  # where the two must be the same; at one of 64 random bits, two polynomials agree by chance once in 2^64/degree

_ANY_CONSTANT = re.compile(r"bar\{C(?:_[0-9])?\}")  # of integration: C·e^x is e^(x + C) to some

_FLIPPED = {sympy.StrictLessThan: sympy.StrictGreaterThan, sympy.LessThan: sympy.GreaterThan}


class Agreement(NamedTuple):
    """What the values say, and why."""

    relation: Relation
    reason: str


class Comparer:
    """Compares objects at points that hash from the two texts; `decimal` where either text has a decimal point."""

    def __init__(self, seed: str, decimal: bool) -> None:
        self._seed = hashlib.blake2b(seed.encode(), digest_size=8).digest()
        self._decimal = decimal

    def compare(self, one: Any, other: Any) -> Agreement:
        """Return what the values of two parsed objects say."""
        try:
            return self._compare(one, other)
        except Unclear as error:
            return Agreement("unclear", error.reason)

    def _compare(self, one: Any, other: Any) -> Agreement:
        one, other = _as_pair(one, other)
        for kinds, compare in self._comparisons():
            if isinstance(one, kinds) and isinstance(other, kinds):
                return compare(one, other)
        return Agreement("unclear", "kinds")

    def _comparisons(self) -> Iterator[tuple[Any, Callable[[Any, Any], Agreement]]]:
        yield sympy.FiniteSet, self._sets
        yield sympy.Tuple, lambda one, other: self._rows(one.args, other.args)
        yield sympy.Interval, self._intervals
        yield sympy.Set, self._set_operations
        yield sympy.MatrixBase, self._matrices
        yield sympy.Eq, self._equations
        yield (Relational, sympy.And), self._inequalities
        yield sympy.Expr, self._expressions

    # Values

    def _points(self, symbols: Sequence[Any]) -> Iterator[tuple[str, Point]]:
        dice = random.Random(self._seed)
        for sort, count in COUNTS.items() if symbols else [(POSITIVE, 1)]:
            for number in range(count):
                yield sort, {symbol: _coordinate(dice, sort, number) for symbol in symbols}

    def _expressions(self, one: Any, other: Any) -> Agreement:
        if {one, other} & {sympy.oo, -sympy.oo}:
            return Agreement("same" if one == other else "different", "")
        symbols = _symbols(one, other)
        found: dict[str, list[Difference]] = {POSITIVE: [], WHOLE: [], ANY: []}
        reason = "undefined"
        for sort, point in self._points(symbols):
            try:
                found[sort].append(difference(one, other, point))
            except Unclear as error:
                reason = error.reason
        seen = list(itertools.chain(*found.values()))
        apart = {sort: [one for one in some if one.relation == "different"] for sort, some in found.items()}
        if not any(apart.values()):
            return Agreement("same", "") if len(seen) >= (MIN_POINTS if symbols else 1) else Agreement("unclear", reason)
        if one.free_symbols != other.free_symbols:
            return Agreement("unclear", "symbols")
        if any(one.branch for one in itertools.chain(*apart.values())):
            return Agreement("unclear", "domain")
        if _has_any_constant(one):
            return Agreement("unclear", "constant")
        if not apart[POSITIVE] or (found[WHOLE] and not apart[WHOLE]):
            return Agreement("unclear", "domain")
        if self._decimal and min(one.relative for one in apart[POSITIVE]) < ROUNDING:
            return Agreement("unclear", "rounded")
        return Agreement("different", "")

    # Collections

    def _rows(self, one: Sequence[Any], other: Sequence[Any]) -> Agreement:
        """Compare element by element."""
        if len(one) != len(other):
            return Agreement("different", "")
        found = [self.compare(left, right) for left, right in zip(one, other, strict=True)]
        return _all(found)

    def _bag(self, one: Sequence[Any], other: Sequence[Any]) -> Agreement:
        """Compare without order: each element must have its own partner."""
        table = [[self.compare(left, right) for right in other] for left in one]
        partners = {place for row in table for place, cell in enumerate(row) if cell.relation == "same"}
        if len(one) == len(other) == len(partners) and all(any(cell.relation == "same" for cell in row) for row in table):
            return Agreement("same", "")
        columns = list(zip(*table, strict=True))
        if any(all(cell.relation == "different" for cell in line) for line in [*table, *columns]):
            return Agreement("different", "")
        return Agreement("unclear", next((cell.reason for row in table for cell in row if cell.reason), "elements"))

    def _sets(self, one: Any, other: Any) -> Agreement:
        if len(one) != len(getattr(one, "_unsorted_args", one.args)) or len(other) != len(
            getattr(other, "_unsorted_args", other.args)
        ):
            return Agreement("unclear", "repeated_elements")
        return self._bag(one.args, other.args)

    def _intervals(self, one: Any, other: Any) -> Agreement:
        found = self._rows((one.start, one.end), (other.start, other.end))
        if (one.left_open, one.right_open) != (other.left_open, other.right_open) and found.relation == "same":
            return Agreement("different", "")
        return found

    def _set_operations(self, one: Any, other: Any) -> Agreement:
        if one.func is not other.func or not one.args:
            return Agreement("same", "") if one == other else Agreement("unclear", "sets")
        found = self._rows(one.args, other.args) if isinstance(one, sympy.Complement) else self._bag(one.args, other.args)
        return found if found.relation == "same" else Agreement("unclear", "sets")

    def _matrices(self, one: Any, other: Any) -> Agreement:
        if one.shape != other.shape:
            return Agreement("unclear", "shapes")
        return self._rows(list(one), list(other))

    # Relations

    def _equations(self, one: Any, other: Any) -> Agreement:
        """Compare equations: the same where their two sides' differences are multiples of one another by a constant."""
        if not _of_values(one, other):  # x ∈ S, (x, y) = (1, 2)
            left = self.compare(one.lhs, other.lhs)
            return self.compare(one.rhs, other.rhs) if left.relation == "same" else Agreement("unclear", "equations")
        if one.lhs == other.lhs and one.lhs.is_Symbol and one.lhs not in _symbols(one.rhs, other.rhs):
            return self.compare(one.rhs, other.rhs)  # y = f(x)
        if self._ratio_sign(one, other):
            return Agreement("same", "")
        degrees = {_degree(each.lhs - each.rhs) for each in (one, other)}
        # Lines, circles and the like that are not multiples of one another are different ones, but for single points.
        is_curve = one.free_symbols == other.free_symbols and len(degrees) == 1 and degrees <= {1, 2}
        certain = is_curve and not self._decimal and not _has_any_constant(one)
        return Agreement("different", "") if certain else Agreement("unclear", "equations")

    def _inequalities(self, one: Any, other: Any) -> Agreement:
        left, right = _conjuncts(one), _conjuncts(other)
        bounds, others = _bounds(one), _bounds(other)
        if bounds and others and bounds[0] == others[0]:
            return self._intervals(bounds[1], others[1])
        if len(left) == len(right) == 1:
            return self._inequality(left[0], right[0])
        if len(left) != len(right):
            return Agreement("unclear", "relations")
        found = self._bag([sympy.And(each, evaluate=False) for each in left], [sympy.And(each, evaluate=False) for each in right])
        return found if found.relation == "same" else Agreement("unclear", found.reason)

    def _inequality(self, one: Any, other: Any) -> Agreement:
        """Compare two relations of one sign: the same where their differences are positive multiples of one another."""
        one, other = (
            _FLIPPED[each.func](each.rhs, each.lhs, evaluate=False) if each.func in _FLIPPED else each for each in (one, other)
        )
        sign = self._ratio_sign(one, other)
        if not sign:
            return Agreement("unclear", "relations")
        if one.func is other.func and (sign > 0 or isinstance(one, sympy.Eq | sympy.Ne)):
            return Agreement("same", "")
        return Agreement("different", "")

    def _ratio_sign(self, one: Any, other: Any) -> int:
        """Return the sign of the constant by which the two sides' differences are multiples of one another, 0 where none is."""
        if not _of_values(one, other):
            raise Unclear("relations")
        first, second = (sympy.Add(each.lhs, sympy.Mul(-1, each.rhs, evaluate=False), evaluate=False) for each in (one, other))
        symbols = _symbols(first, second)
        _, anchor = next(iter(self._points(symbols)))
        signs = [difference(each, sympy.Integer(0), anchor).sign for each in (first, second)]
        if not all(signs):
            raise Unclear("relations")
        scaled = [sympy.Mul(each, by.xreplace(dict(anchor)), evaluate=False) for each, by in ((first, second), (second, first))]
        return signs[0] * signs[1] if symbols and self._expressions(*scaled).relation == "same" else 0


def _all(found: Sequence[Agreement]) -> Agreement:
    """Return "different" where any is, "same" where all are."""
    for each in sorted(found, key=lambda one: ("different", "unclear", "same").index(one.relation)):
        return each
    return Agreement("same", "")


def _symbols(*objects: Any) -> list[Any]:
    return sorted(set().union(*(each.free_symbols for each in objects)), key=str)


def _of_values(*relations: Any) -> bool:
    return all(isinstance(side, sympy.Expr) for each in relations for side in (each.lhs, each.rhs))


def _has_any_constant(expression: Any) -> bool:
    return any(_ANY_CONSTANT.fullmatch(symbol.name) for symbol in expression.free_symbols)


def _degree(expression: Any) -> int | None:
    """Return the total degree of a polynomial, None for all else."""
    polynomial = expression.as_poly(*_symbols(expression))
    return None if polynomial is None else int(polynomial.total_degree())


def _conjuncts(relation: Any) -> list[Any]:
    return list(relation.args) if isinstance(relation, sympy.And) else [relation]


def _coordinate(dice: random.Random, sort: str, number: int) -> Any:
    """Return an exact coordinate: between 0 and 1 and above 1 in turns, whole, or of either sign."""
    if sort == WHOLE:
        return sympy.Integer(dice.randrange(2, 12))
    share = sympy.Rational(dice.getrandbits(64) + 1, 2**64 + 2)
    if sort == ANY:
        return 6 * share - 3 if number else -3 * share
    return share if number % 2 else 1 + 2 * share


def _as_pair(one: Any, other: Any) -> tuple[Any, Any]:
    """Return the two as objects of one kind: (2, 3) is an open interval or a point, and x = 5 can be the name of 5."""
    if isinstance(one, sympy.Interval) != isinstance(other, sympy.Interval):
        one, other = _as_kin(one, other), _as_kin(other, one)
    if isinstance(other, sympy.Eq) and other.lhs.is_Symbol and not isinstance(one, Relational | sympy.And):
        return one, (other.rhs if other.lhs not in one.free_symbols else other)  # an answer may name what a gold does not
    return one, other


def _as_kin(one: Any, other: Any) -> Any:
    """Return the first as what the second is: an open interval as a point, bounds of a variable as an interval."""
    if isinstance(other, sympy.Tuple) and isinstance(one, sympy.Interval) and one.is_open:
        return sympy.Tuple(one.start, one.end)
    bounds = _bounds(one) if isinstance(other, sympy.Interval) else None
    return bounds[1] if bounds else one


def _bounds(relation: Any) -> tuple[Any, Any] | None:
    """Return the variable and the interval of x < 2, 1 ≤ x or 1 ≤ x < 2; None for all else."""
    symbol, low, high, opens = None, -sympy.oo, sympy.oo, [True, True]
    for each in _conjuncts(relation):
        if each.func not in (*_FLIPPED, *_FLIPPED.values()) or not _of_values(each):
            return None
        below, above = (each.rhs, each.lhs) if each.func in _FLIPPED.values() else (each.lhs, each.rhs)
        is_upper = below.is_Symbol
        variable, bound = (below, above) if is_upper else (above, below)
        if not variable.is_Symbol or variable in bound.free_symbols or symbol not in (None, variable):
            return None
        if (high if is_upper else low) not in (sympy.oo, -sympy.oo):
            return None
        symbol, opens[is_upper] = variable, each.func in (sympy.StrictLessThan, sympy.StrictGreaterThan)
        low, high = (low, bound) if is_upper else (bound, high)
    interval = sympy.Interval(low, high, *opens)
    return (symbol, interval) if symbol is not None and isinstance(interval, sympy.Interval) else None
