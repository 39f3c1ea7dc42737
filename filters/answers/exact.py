"""Exact evaluation: rational constants as fractions, rational functions modulo a prime.

Two rational functions that agree at a random point modulo p = 2^61 − 1 are equal but for a chance of at most degree/p (Schwartz
1980, Zippel 1979); no float is ever involved, so no term is too small to count.
"""

import hashlib
from fractions import Fraction

from filters.answers.expression import Expr, Num, Sym

PRIME = 2305843009213693921  # the largest prime below 2^61 with −1 as a square: p ≡ 1 (mod 4)
IMAGINARY = 583529827753931384  # i: its square is −1 modulo PRIME
MAX_BITS = 4096  # of one integer, inspect_ai's static limit
MAX_FACTORIAL = 1000  # 1000! has 2,568 digits, over MAX_DIGITS: no answer needs more


class Unevaluable(Exception):
    """The expression is of no kind that is evaluated here."""


def rational(expression: Expr) -> Fraction:
    """Return the value of a constant.  Raises Unevaluable for symbols, roots, functions, division by zero and giant values."""
    if isinstance(expression, Num):
        return expression.value
    if isinstance(expression, Sym):
        raise Unevaluable(expression.name)
    values = [rational(one) for one in expression.args]
    result = _rational_op(expression.name, values)
    if result.numerator.bit_length() > MAX_BITS or result.denominator.bit_length() > MAX_BITS:
        raise Unevaluable("the value is too large")
    return result


def _rational_op(name: str, values: list[Fraction]) -> Fraction:
    if name == "add":
        return sum(values, Fraction(0))
    if name == "mul":
        product = Fraction(1)
        for value in values:
            product *= value
        return product
    if name == "neg":
        return -values[0]
    if name == "div":
        if not values[1]:
            raise Unevaluable("division by zero")
        return values[0] / values[1]
    if name == "pow":
        return _rational_power(*values)
    if name == "abs":
        return abs(values[0])
    if name in ("floor", "ceil"):
        return Fraction(values[0].__floor__() if name == "floor" else values[0].__ceil__())
    if name == "fact":
        return Fraction(factorial(values[0]))
    if name == "binom":
        return Fraction(binomial(*values))
    raise Unevaluable(name)


def _rational_power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise Unevaluable("a root")
    if not base and exponent <= 0:
        raise Unevaluable("0 to the power of 0 or less")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in (0, 1, -1) and abs(exponent) * max(bits - 1, 1) > MAX_BITS:
        raise Unevaluable("the value is too large")
    return Fraction(base ** int(exponent % 2 + 2) if base in (0, 1, -1) else base ** int(exponent))


def factorial(value: Fraction) -> int:
    """Return n!  Raises Unevaluable where n is no natural number or too large."""
    if value.denominator != 1 or not 0 <= value <= MAX_FACTORIAL:
        raise Unevaluable("factorial")
    product = 1
    for factor in range(2, int(value) + 1):
        product *= factor
    return product


def binomial(n: Fraction, k: Fraction) -> int:
    """Return n over k.  Raises Unevaluable where they are no natural numbers or too large."""
    if n.denominator != 1 or k.denominator != 1 or not 0 <= n <= MAX_FACTORIAL or not 0 <= k <= MAX_FACTORIAL:
        raise Unevaluable("binomial")
    return factorial(n) // (factorial(k) * factorial(n - k)) if k <= n else 0


def modular(expression: Expr, point: str) -> int:
    """Return the value modulo PRIME where each symbol has a value that hashes from its name and `point`.

    π and e are symbols of their own, i is a root of −1.  Raises Unevaluable where it is no rational function of them with
    integer exponents, or divides by zero there.
    """
    if isinstance(expression, Num):
        below = expression.value.denominator % PRIME
        if not below:
            raise Unevaluable("division by zero")
        return expression.value.numerator * pow(below, -1, PRIME) % PRIME if below != 1 else expression.value.numerator % PRIME
    if isinstance(expression, Sym):
        if expression.name == "oo":
            raise Unevaluable("infinity")
        return IMAGINARY if expression.name == "i" else _symbol_value(expression.name, point)
    name, args = expression.name, expression.args
    if name == "pow":
        return _modular_power(args[0], args[1], point)
    if name in ("fact", "binom"):
        return rational(expression).numerator % PRIME
    values = [modular(one, point) for one in args]
    if name == "add":
        return sum(values) % PRIME
    if name == "mul":
        product = 1
        for value in values:
            product = product * value % PRIME
        return product
    if name == "neg":
        return -values[0] % PRIME
    if name == "div":
        return values[0] * _inverse(values[1]) % PRIME
    raise Unevaluable(name)


def _modular_power(base: Expr, exponent: Expr, point: str) -> int:
    power = rational(exponent)
    if power.denominator != 1:
        raise Unevaluable("a root")
    value = modular(base, point)
    if power < 0:
        value, power = _inverse(value), -power
    elif not power and not value:
        raise Unevaluable("0 to the power of 0")
    return pow(value, int(power), PRIME)


def _inverse(value: int) -> int:
    if not value:
        raise Unevaluable("division by zero")
    return pow(value, -1, PRIME)


def _symbol_value(name: str, point: str) -> int:
    digest = hashlib.blake2b(f"{point}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % (PRIME - 1) + 1
