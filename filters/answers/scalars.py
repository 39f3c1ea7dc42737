"""Whether two numbers or expressions are equal: exactly where that can be, else to many digits at many points."""

from fractions import Fraction
from typing import Literal, NamedTuple

from filters.answers.exact import Unevaluable, modular, rational
from filters.answers.expression import FUNCTIONS, INFINITY, Expr, Num, Op, Sym, has, symbols, walk
from filters.answers.parts import Part, Worded
from filters.answers.precise import agreement
from filters.answers.quantity import CURRENCIES, DEGREE, DEGREES, PERCENT, Quantity, judge
from filters.answers.tokens import Token
from filters.answers.units import ratio, read_unit

Relation = Literal["equal", "different", "unknown"]
RADIANS = frozenset(("rad", "rads", "radian", "radians", "弧度"))
CONSTANTS = frozenset(("pi", "e", "i"))
_POINTS = ("first", "second")  # of a space of 2^61: the chance that two different functions agree at both is under 2^-100


class Outcome(NamedTuple):
    """How two answers compare, and why, as a short code."""

    relation: Relation
    reason: str


class Scalar(NamedTuple):
    """An expression and its unit, "" for none."""

    expression: Expr
    unit: str


EQUAL = Outcome("equal", "equal")
DIFFERENT = Outcome("different", "different")
UNKNOWN = Outcome("unknown", "not_compared")
RELATIONS: dict[str, Relation] = {"correct": "equal", "incorrect": "different", "unsure": "unknown"}


def measured(quantity: Quantity) -> Part:
    """Return a quantity as a part."""
    number = Num(quantity.value)
    return Worded(number, (Token("word", quantity.unit),)) if quantity.unit else number


def scalar_value(part: Part) -> Scalar | None:
    """Return a number or expression with its unit, None for other parts."""
    if isinstance(part, Worded):
        return Scalar(part.expression, _unit_of(part.words))
    if isinstance(part, Op) and part.name == "degrees":
        return Scalar(part.args[0], DEGREE)
    return Scalar(part, "") if isinstance(part, Num | Sym | Op) else None


def _unit_of(words: tuple[Token, ...]) -> str:
    if words[0].text in CURRENCIES:
        return words[0].text
    text = " ".join(token.text for token in words).replace(" / ", "/")
    if text in DEGREES:
        return DEGREE
    folded = text if read_unit(text) is not None else text.casefold()
    return {"percent": "%"}.get(folded, folded)


def compare_scalars(gold: Scalar, answer: Scalar, tolerance: Fraction = Fraction(0)) -> Outcome:
    """Return how two scalars compare, in exact arithmetic where both are rational constants."""
    gold, answer = _in_radians(gold), _in_radians(answer)
    if gold.unit != answer.unit and read_unit(gold.unit) is not None and not answer.unit:
        answer = _with_letter_unit(answer)
    mine, theirs = _constant(gold.expression), _constant(answer.expression)
    if mine is not None and theirs is not None:
        status, reason = judge(Quantity(mine, gold.unit), Quantity(theirs, answer.unit), tolerance)
        if status == "correct" and is_unevaluated(answer.expression) and not is_unevaluated(gold.expression):
            return Outcome("unknown", "unevaluated")
        if status != "correct" and {gold.unit, answer.unit} == {"", DEGREE}:
            return _of_expressions(gold, answer)
        return Outcome(RELATIONS[status], reason)
    outcome = _of_expressions(gold, answer)
    if outcome.relation == "equal" and _is_unsimplified(answer.expression) and not _is_unsimplified(gold.expression):
        return Outcome("unknown", "unevaluated")
    return outcome


def _of_expressions(gold: Scalar, answer: Scalar) -> Outcome:
    one, other = gold.expression, answer.expression
    if gold.unit == answer.unit or (not gold.unit and answer.unit not in PERCENT and answer.unit != DEGREE):
        return same_expression(one, other)
    if {gold.unit, answer.unit} == {"", DEGREE}:
        outcome = same_expression(one, other)
        if outcome.relation == "equal":
            return outcome
        return same_expression(
            *(Op("degrees", (side.expression,)) if side.unit == DEGREE else side.expression for side in (gold, answer))
        )
    if not answer.unit or answer.unit in PERCENT or gold.unit in PERCENT:
        outcome = same_expression(one, other)
        return Outcome("unknown", "unit_missing") if outcome.relation == "equal" else outcome
    factor = ratio(answer.unit, gold.unit)
    if factor is None:
        return Outcome("unknown", "unit_different")
    if not factor:
        return Outcome("different", "unit_different")
    return same_expression(one, Op("mul", (Num(factor), other)))


def _in_radians(scalar: Scalar) -> Scalar:
    """Return radians as the plain numbers that they are."""
    return scalar._replace(unit="") if scalar.unit in RADIANS else scalar


def _with_letter_unit(answer: Scalar) -> Scalar:
    """Return 5m, read as 5 times m, as a number of meters."""
    expression = answer.expression
    if isinstance(expression, Op) and expression.name == "mul" and isinstance(expression.args[-1], Sym):
        name, rest = expression.args[-1].name, expression.args[:-1]
        if read_unit(name) is not None:
            return Scalar(rest[0] if len(rest) == 1 else Op("mul", rest), name)
    return answer


def _constant(expression: Expr) -> Fraction | None:
    try:
        return rational(expression)
    except Unevaluable:
        return None


def is_unevaluated(expression: Expr) -> bool:
    """Say whether a constant is left as a sum or product of numbers: 5 + 7, 3·4, but not 3/4, 2^10, 9! or 6·10^5."""
    if not isinstance(expression, Op) or symbols(expression) or has(expression, "sqrt", "root", "log"):
        return False
    if expression.name == "neg":
        return is_unevaluated(expression.args[0])
    if expression.name == "div":
        return any(map(is_unevaluated, expression.args))
    return expression.name in ("add", "mul") and not _is_scientific(expression)


def _is_unsimplified(expression: Expr) -> bool:
    """Say whether a constant holds functions, as sin 18° does: the value may be right and the work not done."""
    return symbols(expression) <= CONSTANTS and has(expression, *FUNCTIONS, "log")


def _is_scientific(expression: Op) -> bool:
    *factors, last = expression.args
    ten = Num(Fraction(10))
    is_power = isinstance(last, Op) and last.name == "pow" and last.args[0] == ten
    return expression.name == "mul" and len(factors) == 1 and isinstance(factors[0], Num) and is_power


def same_expression(one: Expr, other: Expr) -> Outcome:
    """Return how two expressions compare as functions of their symbols."""
    if one == other:
        return EQUAL
    infinite = [side for side in (one, other) if "oo" in symbols(side)]
    if infinite:
        plain = all(side in (INFINITY, Op("neg", (INFINITY,))) for side in infinite)
        return DIFFERENT if plain else Outcome("unknown", "infinity")
    exact = _same_rational_function(one, other)
    if exact is not None:
        return EQUAL if exact else DIFFERENT
    found = agreement(one, other)
    if found == "everywhere":
        return EQUAL
    if found == "nowhere":
        return Outcome("unknown", "convention") if _conventional(one, other) else DIFFERENT
    return Outcome("unknown", "domain" if found == "mixed" else "not_evaluated")


def _same_rational_function(one: Expr, other: Expr) -> bool | None:
    try:
        return all(modular(one, point) == modular(other, point) for point in _POINTS)
    except Unevaluable:
        return None


def _conventional(one: Expr, other: Expr) -> bool:
    """Say whether a convention decides: a logarithm without a base may be natural or decimal."""
    return any(isinstance(node, Op) and node.name == "log" and len(node.args) == 1 for side in (one, other) for node in walk(side))
