"""Reads arithmetic that a model wrote, exactly and within bounds: + - * / ( ) and whole numbers.  Never `eval`."""

import re
from fractions import Fraction

from generators.families.answer import committed

MAX_LENGTH = 400  # characters of an expression; 6 numbers below 1000 with every parenthesis that helps take under 80
MAX_DIGITS = 9  # of one number; also keeps int() far from its quadratic range
MAX_DEPTH = 24

NORMAL = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "⋅": "*", "∗": "*", "÷": "/", "[": "(", "]": ")"})
LATEX = ((r"\times", "*"), (r"\cdot", "*"), (r"\div", "/"), (r"\left", ""), (r"\right", ""), (r"\,", ""))


class Unparsed(Exception):
    """The text is no such expression, or is over the bounds."""


class Expression:
    """One expression.  After `value`, `numbers` are those used, in order, and `steps` the single sums in words."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise Unparsed
        self.tokens: list[str] = re.findall(r"[0-9]+|\S", text)
        self.position = 0
        self.depth = 0
        self.numbers: list[int] = []
        self.steps: list[str] = []

    def value(self) -> Fraction:
        """Return the exact value.  Raises Unparsed or ZeroDivisionError.  To be called once."""
        result = self._sum()
        if self.position < len(self.tokens):
            raise Unparsed
        return result

    def _take(self, among: str) -> str | None:
        if self.position < len(self.tokens) and self.tokens[self.position] in tuple(among):
            self.position += 1
            return self.tokens[self.position - 1]
        return None

    def _sum(self) -> Fraction:
        left = self._product()
        while sign := self._take("+-"):
            right = self._product()
            left = self._note(left, sign, right, left + right if sign == "+" else left - right)
        return left

    def _product(self) -> Fraction:
        left = self._atom()
        while sign := self._take("*/"):
            right = self._atom()
            left = self._note(left, sign, right, left * right if sign == "*" else left / right)
        return left

    def _note(self, left: Fraction, sign: str, right: Fraction, result: Fraction) -> Fraction:
        self.steps.append(f"{left} {sign} {right} = {result}")
        return result

    def _atom(self) -> Fraction:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unparsed
        negative = self._take("-")
        if negative:
            inner = -self._atom()
        elif self._take("("):
            inner = self._sum()
            if not self._take(")"):
                raise Unparsed
        else:
            inner = self._number()
        self.depth -= 1
        return inner

    def _number(self) -> Fraction:
        token = self.tokens[self.position] if self.position < len(self.tokens) else ""
        if not ("0" <= token[:1] <= "9") or len(token) > MAX_DIGITS:
            raise Unparsed
        self.position += 1
        self.numbers.append(int(token))
        return Fraction(int(token))


def expression_of(response: str) -> str | None:
    """Return the expression that a response commits to, normalised, or None.  Of `a = b`, a side with signs."""
    lines = [line for line in committed(response).splitlines() if _has_digit(line)]
    text = (lines or [""])[-1].translate(NORMAL)
    for command, sign in LATEX:
        text = text.replace(command, sign)
    sides = [side for side in (side.strip(" \t\r\n$`*.:,") for side in text.split("=")) if _has_digit(side)]
    operated = [side for side in sides if re.search(r"[-+*/]", side)]
    return next(iter(operated or sides), None)


def _has_digit(text: str) -> bool:
    return re.search(r"[0-9]", text) is not None
