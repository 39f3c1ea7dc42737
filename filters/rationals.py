r"""Exact values of arithmetic: a tuple of tokens in, a rational number out.

Tokens are number literals ("48", "1,200", ".5", "2 1/2"), the operators + - * / ^ and "of", brackets "(" and ")", the postfixes
"%" and "!", and "frac", "sqrt", "binom", each before its bracketed arguments.  Every size is bounded before it is computed.
"""

import functools
import math
import operator
from fractions import Fraction
from typing import NamedTuple

from filters.answers.quantity import MAX_DIGITS, MAX_EXPONENT

# The static limits of inspect_ai's safe mathematics grader: nodes, digits, nesting, bits of an integer.
MAX_TOKENS, MAX_DEPTH, MAX_BITS = 512, 64, 4096
MAX_CACHED_TOKENS = 24  # so that a full cache stays within some megabytes
MAX_FACTORIAL = 500  # 500! has 3,768 bits

Rational = int | Fraction


class Value(NamedTuple):
    """What a side of an equation is worth."""

    number: Rational
    decimals: int | None  # digits behind the point where the side is one bare number, None where it is computed
    percent: bool  # whether a percent sign is in it
    exact: bool  # whether every number in it is whole or a fraction: a decimal may have been rounded


class _Unreadable(Exception):
    """The tokens are no expression, or one over the limits."""


def evaluate(tokens: tuple[str, ...], percent_is_hundredth: bool = True) -> Value | None:
    """Return the exact value, None where the tokens are no expression or break a limit.

    With `percent_is_hundredth` 20% is 1/5, else it is 20: people write both.
    """
    read = _evaluate if len(tokens) <= MAX_CACHED_TOKENS else _evaluate.__wrapped__
    return read(tokens, percent_is_hundredth)


@functools.lru_cache(maxsize=16384)  # samples of one problem share most of their equations
def _evaluate(tokens: tuple[str, ...], percent_is_hundredth: bool) -> Value | None:
    if len(tokens) == 3 and tokens[1] in _SIMPLE and tokens[0].isdecimal() and tokens[2].isdecimal() and tokens[2].strip("0"):
        return Value(_SIMPLE[tokens[1]](int(tokens[0]), int(tokens[2])), None, False, True)
    if len(tokens) > MAX_TOKENS or sum(map(len, tokens)) > MAX_DIGITS:
        return None
    try:
        parser = _Parser(tokens, percent_is_hundredth)
        number = parser.sum()
    except (_Unreadable, ZeroDivisionError):
        return None
    if parser.at != len(tokens):
        return None
    bare = tokens[1:] if tokens[0] in "+-" else tokens
    percent = "%" in tokens
    decimals = None
    if (len(bare) == 1 or (percent and len(bare) == 2)) and " " not in bare[0]:
        decimals = len(bare[0].partition(".")[2]) + 2 * (percent and percent_is_hundredth)
    return Value(number, decimals, percent, not any("." in token for token in tokens))


def divided(one: Rational, other: Rational) -> Rational:
    """Return the exact quotient, an int where it is whole."""
    if isinstance(one, int) and isinstance(other, int):
        return one // other if one % other == 0 else Fraction(one, other)
    return Fraction(one) / other


# One sign between two whole numbers, which is most of what people write, needs no parser.
_SIMPLE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": divided}


def difference(one: Rational, other: Rational) -> Fraction:
    """Return how far apart two numbers are."""
    return abs(Fraction(one) - other)


def literal(text: str) -> Rational:
    """Return the value of a number literal; its digits have been counted."""
    if text.isdecimal():
        return int(text)
    whole, space, part = text.partition(" ")
    if space:
        top, _, bottom = part.partition("/")
        return int(whole) + Fraction(int(top), int(bottom))
    whole, point, decimals = text.replace(",", "").partition(".")
    if not point:
        return int(whole)
    return Fraction(int(whole + decimals), 10 ** len(decimals))


def _bounded(number: Rational) -> Rational:
    if number.numerator.bit_length() > MAX_BITS or number.denominator.bit_length() > MAX_BITS:
        raise _Unreadable
    return number


class _Parser:
    """Recursive descent over the tokens.  Raises `_Unreadable` or ZeroDivisionError."""

    def __init__(self, tokens: tuple[str, ...], percent_is_hundredth: bool) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.percent_is_hundredth = percent_is_hundredth

    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def sum(self) -> Rational:
        total = self.product()
        while (sign := self.next()) in ("+", "-"):
            self.at += 1
            term = self.product()
            total = _bounded(total + term if sign == "+" else total - term)
        return total

    def product(self) -> Rational:
        total, sign = self.power(), ""
        while True:
            following = self.next()
            if following in ("*", "/", "of"):
                sign = following
                self.at += 1
                factor = self.power()
                total = _bounded(total * factor if sign != "/" else divided(total, factor))
            elif following in ("(", "frac", "sqrt", "binom"):
                if sign == "/":  # 48/2(3) is read both ways
                    raise _Unreadable
                total = _bounded(total * self.power())
            else:
                return total

    def power(self) -> Rational:
        """Return a signed power: -2^2 is -4, 2^3^2 is 2^9."""
        if (sign := self.next()) in ("+", "-"):
            self.at += 1
            self._deeper()
            number = self.power()
            self.depth -= 1
            return -number if sign == "-" else number
        base = self.postfix()
        if self.next() != "^":
            return base
        self.at += 1
        self._deeper()
        exponent = self.power()
        self.depth -= 1
        return _power(base, exponent)

    def postfix(self) -> Rational:
        number = self.atom()
        while (mark := self.next()) in ("%", "!"):
            self.at += 1
            if mark == "!":
                if not isinstance(number, int) or not 0 <= number <= MAX_FACTORIAL:
                    raise _Unreadable
                number = math.factorial(number)
            elif self.percent_is_hundredth:
                number = divided(number, 100)
        return number

    def atom(self) -> Rational:
        token = self.next()
        self.at += 1
        if token == "(":
            self._deeper()
            number = self.sum()
            self.depth -= 1
            if self.next() != ")":
                raise _Unreadable
            self.at += 1
            return number
        if token == "frac":
            return divided(*self._arguments())
        if token == "binom":
            return _binomial(*self._arguments())
        if token == "sqrt":
            return _root(self.argument())
        if not (token[:1].isdecimal() or token[1:2].isdecimal()):  # 5 and .5, but no sign or point alone
            raise _Unreadable
        return literal(token) + self._part(token)

    def _part(self, whole: str) -> Rational:
        r"""Return the 1/2 of 5\frac{1}{2}, where all is plain and the fraction proper; else 0: it is a product."""
        part = self.tokens[self.at : self.at + 7]
        if not whole.isdecimal() or len(part) != 7 or part[0] != "frac":
            return 0
        top, bottom = part[2], part[5]
        if not (top.isdecimal() and bottom.isdecimal() and part[3] == ")" and part[6] == ")" and int(top) < int(bottom)):
            return 0
        self.at += 7
        return Fraction(int(top), int(bottom))

    def _arguments(self) -> tuple[Rational, Rational]:
        token = self.next()
        if len(token) == 2 and token.isdecimal():  # \frac12
            self.at += 1
            return int(token[0]), int(token[1])
        return self.argument(), self.argument()

    def argument(self) -> Rational:
        token = self.next()
        if token == "(" or (len(token) == 1 and token.isdecimal()):
            return self.atom()
        raise _Unreadable

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unreadable


def _power(base: Rational, exponent: Rational) -> Rational:
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT:
        raise _Unreadable
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if bits * abs(exponent) > MAX_BITS:
        raise _Unreadable
    return base**exponent if exponent >= 0 else divided(1, base**-exponent)


def _root(number: Rational) -> Rational:
    """Return the square root where it is rational."""
    if number < 0:
        raise _Unreadable
    top, bottom = math.isqrt(number.numerator), math.isqrt(number.denominator)
    if top * top != number.numerator or bottom * bottom != number.denominator:
        raise _Unreadable
    return divided(top, bottom)


def _binomial(n: Rational, k: Rational) -> Rational:
    if not isinstance(n, int) or not isinstance(k, int) or not 0 <= k <= n <= MAX_FACTORIAL:
        raise _Unreadable
    return math.comb(n, k)
