"""Equations and inequalities: when two say the same, and what they are as a plain value or an interval."""

from fractions import Fraction

from filters.answers.exact import PRIME, Unevaluable, modular
from filters.answers.expression import INFINITY, Expr, Num, Op, Sym, minus, symbols
from filters.answers.parts import Binary, Bracket, Part, Worded
from filters.answers.scalars import CONSTANTS, DIFFERENT, EQUAL, UNKNOWN, Outcome, same_expression

_FLIPPED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤"}


def is_relation(part: Part) -> bool:
    """Say whether a part is an equation, an inequality or a chain of them."""
    return isinstance(part, Binary) and part.op in "=<≤>≥≠"


def is_equation(part: Part) -> bool:
    """Say whether a part is an equation."""
    return isinstance(part, Binary) and part.op == "="


def bare(part: Part) -> Part:
    """Return the right side of "x = 5", "f(x) = …", "x = 6/2 = 3"; the part itself where its left side is no mere name for it."""
    if not isinstance(part, Binary) or part.op != "=":
        return part
    left, between = part.left, []
    while isinstance(left, Binary) and left.op == "=":
        between.append(left.right)
        left = left.left
    if any(_contradicts(one, part.right) for one in between):
        return part
    names = _label(left)
    right = part.right.expression if isinstance(part.right, Worded) else part.right
    taken = symbols(right) if isinstance(right, Num | Sym | Op) else frozenset()
    return part.right if names and names[0] not in taken else part


def _contradicts(one: Part, other: Part) -> bool:
    """Say whether two sides of a chain are different values: "x = 20 = 10" states neither."""
    if not isinstance(one, Num | Sym | Op) or not isinstance(other, Num | Sym | Op):
        return False
    return same_expression(one, other).relation == "different"


def labelled(part: Part) -> Part:
    """Return the value of a gold such as "x = 5", for an answer that leaves the name out.

    Only where the value is a constant or a function is named, as in "f(x) = x + 1": the bare right side of "y = 2x + 3" is no
    equation of a line.
    """
    if not isinstance(part, Binary) or part.op != "=":
        return part
    names = _label(part.left)
    right = part.right.expression if isinstance(part.right, Worded) else part.right
    if isinstance(right, Num | Sym | Op):
        constant = symbols(right) <= CONSTANTS
        return part.right if names and (constant or (len(names) > 1 and names[0] not in symbols(right))) else part
    return part.right if names else part


def _label(left: Part) -> list[str]:
    """Return ["x"] of x, ["f", "x"] of f(x), ["x", "y"] of (x, y), nothing of other expressions."""
    if isinstance(left, Bracket) and all(isinstance(one, Sym) for one in left.items):
        return [one.name for one in left.items if isinstance(one, Sym)]
    if isinstance(left, Sym):
        return [left.name]
    if isinstance(left, Op) and left.name == "mul" and all(isinstance(one, Sym) for one in left.args):
        return [one.name for one in left.args if isinstance(one, Sym)]
    return []


def as_interval(part: Part) -> Part | None:
    """Return an inequality between one variable and constants as an interval; None where it is none."""
    if not isinstance(part, Binary) or part.op not in _FLIPPED:
        return None
    if isinstance(part.left, Binary):
        return _between(part.left, part.op, part.right)
    op = part.op
    left: Part = part.left
    right: Part = part.right
    if not isinstance(left, Sym) or left.name in CONSTANTS:
        left, op, right = right, _FLIPPED[op], left
    if not isinstance(left, Sym) or not _is_constant(right):
        return None
    below = Op("neg", (INFINITY,))
    if op in "<≤":
        return Bracket("(", (below, right), ")" if op == "<" else "]")
    return Bracket("(" if op == ">" else "[", (right, INFINITY), ")")


def _between(first: Binary, op: str, upper: Part) -> Part | None:
    """Return "a < x ≤ b" as (a, b]."""
    lower, middle = first.left, first.right
    if not isinstance(middle, Sym) or not (_is_constant(lower) and _is_constant(upper)) or first.op not in _FLIPPED:
        return None
    if op in ">≥" and first.op in ">≥":
        lower, upper, first, op = upper, lower, first._replace(op=_FLIPPED[op]), _FLIPPED[first.op]
    if not (op in "<≤" and first.op in "<≤"):
        return None
    return Bracket("(" if first.op == "<" else "[", (lower, upper), ")" if op == "<" else "]")


def _is_constant(part: Part) -> bool:
    return isinstance(part, Num | Sym | Op) and symbols(part) <= CONSTANTS | {"oo"}


def compare_relations(gold: Part, answer: Part) -> Outcome:
    """Return how two relations compare: equal where one is the other times a constant, positive for inequalities."""
    if not isinstance(gold, Binary) or not isinstance(answer, Binary):
        return UNKNOWN
    one, other = as_interval(gold), as_interval(answer)
    if isinstance(one, Bracket) and isinstance(other, Bracket):
        return _of_intervals(gold, answer, one, other)
    mine, theirs = _difference(gold), _difference(answer)
    if mine is None or theirs is None:
        return EQUAL if gold == answer else UNKNOWN
    if _kind(gold.op) != _kind(answer.op):
        return DIFFERENT
    same = same_expression(mine, theirs)
    if same.relation == "equal" or (gold.op in "=≠" and same_expression(mine, Op("neg", (theirs,))).relation == "equal"):
        return EQUAL
    if symbols(mine) - CONSTANTS != symbols(theirs) - CONSTANTS:
        return DIFFERENT
    factor = _constant_ratio(mine, theirs)
    if factor is None:
        return UNKNOWN
    return EQUAL if factor and (factor > 0 or gold.op in "=≠") else DIFFERENT if gold.op == "=" or factor else UNKNOWN


def _of_intervals(gold: Binary, answer: Binary, one: Bracket, other: Bracket) -> Outcome:
    if _variables(gold) != _variables(answer) or (one.left, one.right) != (other.left, other.right):
        return DIFFERENT
    outcomes = [_same_end(mine, theirs) for mine, theirs in zip(one.items, other.items, strict=True)]
    if all(outcome.relation == "equal" for outcome in outcomes):
        return EQUAL
    return DIFFERENT if any(outcome.relation == "different" for outcome in outcomes) else UNKNOWN


def _same_end(one: Part, other: Part) -> Outcome:
    if not isinstance(one, Num | Sym | Op) or not isinstance(other, Num | Sym | Op):
        return UNKNOWN
    if one != other and "oo" in symbols(one) | symbols(other):
        return DIFFERENT
    return same_expression(one, other)


def _variables(part: Part) -> frozenset[str]:
    if isinstance(part, Binary):
        return _variables(part.left) | _variables(part.right)
    return symbols(part) - CONSTANTS - {"oo"} if isinstance(part, Num | Sym | Op) else frozenset()


def _kind(op: str) -> str:
    """Return one sign for < and >, and one for ≤ and ≥: `_difference` turns them to point one way."""
    return {">": "<", "≥": "≤"}.get(op, op)


def _difference(part: Binary) -> Expr | None:
    """Return left − right of "left op right", right − left for > and ≥."""
    sides = [side.expression if isinstance(side, Worded) else side for side in (part.left, part.right)]
    left, right = sides
    if not isinstance(left, Num | Sym | Op) or not isinstance(right, Num | Sym | Op):
        return None
    return minus(right, left) if part.op in ">≥" else minus(left, right)


def _constant_ratio(one: Expr, other: Expr) -> Fraction | None:
    """Return c where one = c · other for a small rational c, 0 where the ratio is no such constant, None where nothing is known."""
    try:
        below = modular(other, "ratio")
        candidates = _small_ratio(modular(one, "ratio"), below)
    except Unevaluable:
        return None
    if candidates is None:
        return Fraction(0)
    outcome = same_expression(one, Op("mul", (Num(candidates), other)))
    return candidates if outcome.relation == "equal" else Fraction(0) if outcome.relation == "different" else None


def _small_ratio(above: int, below: int) -> Fraction | None:
    """Return the fraction that above/below is modulo PRIME, by Wang's rational reconstruction (1981)."""
    if not below:
        return None
    value = above * pow(below, -1, PRIME) % PRIME
    bound = int((PRIME // 2) ** 0.5)
    old, new, factor_old, factor_new = PRIME, value, 0, 1
    while new > bound:
        quotient = old // new
        old, new = new, old - quotient * new
        factor_old, factor_new = factor_new, factor_old - quotient * factor_new
    return Fraction(new, factor_new) if factor_new and abs(factor_new) <= bound and new else None
