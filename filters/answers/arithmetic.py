r"""From tokens to one expression: a parser by recursive descent, bounded in depth.

The notation is what models write: LaTeX, plain text and their mixtures.  `1/2x` is (1/2)x, `2^10` is 1024, `137\frac12` is a mixed
number, `\frac43` is 4/3, `\sin 2x` is sin(2x).  What is ambiguous or unknown raises `Unreadable`.
"""

from fractions import Fraction

from filters.answers.expression import FUNCTIONS, Expr, Num, Op, Sym
from filters.answers.tokens import Token
from filters.answers.units import read_unit

MAX_DEPTH = 64  # nesting, inspect_ai's static limit
MAX_DIGITS = 2048  # digits of one number, inspect_ai's static limit; CPython's int() refuses from 4,301
MATRICES = frozenset("pmatrix bmatrix Bmatrix matrix vmatrix smallmatrix array".split())

_PAIRS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "⌊": "⌋", "⌈": "⌉"}
_SHORT_WORDS = frozenset(
    "not the and for per one two six ten all any yes no is it or an of to so we in at by as but are if on be do he me my up us "
    "odd mod gcd lcm sum day men boy cat dog box bag pen cup hat can car bus egg way red set who how has had was you her his she "
    "its our out off too few get got let may new now old say see use non nor yet via vs am pm ok oh hi map key lot bit pie toy "
    "max min sec hrs rad det dim arg sup inf lim ans usd cny eur gbp kph mph yen".split()
)
_STARTS = frozenset(("number", "name", "function", "command", "open"))


class Unreadable(Exception):
    """The tokens are no expression."""


class Arithmetic:
    """A cursor over tokens that reads expressions."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._bars = 0  # absolute values that are open
        self._brackets = 0  # collections that are open

    @property
    def here(self) -> Token | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _is(self, *texts: str) -> bool:
        here = self.here
        return here is not None and here.kind in ("op", "open", "close") and here.text in texts

    def _next(self) -> Token:
        here = self.here
        if here is None:
            raise Unreadable("it ends too early")
        self._place += 1
        return here

    def _take(self, text: str) -> None:
        if not self._is(text):
            raise Unreadable(f"{text!r} is missing")
        self._place += 1

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("it is nested too deeply")

    def _leave(self) -> None:
        self._depth -= 1

    def sum(self) -> Expr:
        self._enter()
        terms: list[Expr] = []
        sign = ""
        if self._is("+", "-", "±", "∓"):
            sign = self._next().text
        terms.append(_signed(sign, self.product()))
        while self._is("+", "-", "±", "∓"):
            sign = self._next().text
            terms.append(_signed(sign, self.product()))
        self._leave()
        return terms[0] if len(terms) == 1 else Op("add", tuple(terms))

    def product(self) -> Expr:
        result = self.factor()
        while (here := self.here) is not None:
            if here.kind == "op" and here.text in "*/":
                self._place += 1
                sign = self._next().text if self._is("-", "+") else ""
                other = _signed(sign, self.factor())
                result = Op("div", (result, other)) if here.text == "/" else _times(result, other)
            elif (here.kind, here.text) == ("command", "over"):
                break
            elif here.kind in _STARTS or (here.kind == "word" and self._is_product(here)):
                if here.kind == "number" and self._tokens[self._place - 1].kind in ("number", "name"):
                    raise Unreadable("a number stands right behind another value")
                if here.kind == "open" and here.text in MATRICES:
                    break
                mixed = self._mixed(result)
                result = mixed if mixed is not None else _times(result, self.factor())
            elif here.kind == "op" and here.text == "|" and not self._bars:
                if self._abs_ahead():
                    result = _times(result, self.factor())
                else:
                    break
            else:
                break
        return result

    def _abs_ahead(self) -> bool:
        """Say whether a bar opens an absolute value that closes before the element ends."""
        for token in self._tokens[self._place + 1 :]:
            if token.kind == "op" and token.text == "|":
                return True
            if token.kind == "op" and token.text in "=<≤>≥,∈":
                return False
        return False

    def _is_product(self, word: Token) -> bool:
        """Say whether a run of letters is a product of variables: short, lower case and, right behind a number, no unit."""
        before = self._tokens[self._place - 1] if self._place else None
        after_value = before is not None and (before.kind in ("number", "close") or word.upright)
        return is_variables(word.text) and not (after_value and is_unit(word.text))

    def _mixed(self, result: Expr) -> Expr | None:
        r"""Return 137\frac{1}{2} and 1 1/2 as mixed numbers: a whole number with a proper fraction of numbers behind it."""
        start = self._place
        here = self.here
        if (
            not isinstance(result, Num)
            or result.value.denominator != 1
            or here is None
            or (here.kind, here.text) != ("command", "frac")
        ):
            return None
        fraction = self.factor()
        if isinstance(fraction, Op) and fraction.name == "div" and all(isinstance(one, Num) for one in fraction.args):
            above, below = (one.value for one in fraction.args if isinstance(one, Num))
            if 0 < above < below:
                return Num(result.value + Fraction(above) / below)
        self._place = start
        return None

    def factor(self) -> Expr:
        """Return an atom with its exponents, factorials and degree signs."""
        result = self._atom()
        while (here := self.here) is not None and here.kind == "op":
            if here.text == "^":
                self._place += 1
                if self._is("°"):
                    self._place += 1
                    result = Op("degrees", (result,))
                elif self._is("{") and self._place + 2 < len(self._tokens) and self._tokens[self._place + 1].text == "°":
                    self._place += 2
                    self._take("}")
                    result = Op("degrees", (result,))
                else:
                    result = Op("pow", (result, self._exponent()))
            elif here.text == "°":
                self._place += 1
                result = Op("degrees", (result,))
            elif here.text == "!":
                self._place += 1
                result = Op("fact", (result,))
            else:
                break
        return result

    def _exponent(self) -> Expr:
        sign = self._next().text if self._is("-", "+") else ""
        self._enter()
        inner = self._argument() if self._is("{") else self._atom()
        if self._is("^"):
            self._place += 1
            inner = Op("pow", (inner, self._exponent()))
        self._leave()
        return _signed(sign, inner)

    def _argument(self, digit: bool = False) -> Expr:
        r"""Return a braced group or one token; with `digit`, one digit of a number, as in \frac43."""
        if self._is("{"):
            self._place += 1
            inner = self._over(self.sum())
            self._take("}")
            return inner
        here = self.here
        if digit and here is not None and here.kind == "number" and len(here.text) > 1:
            if not here.text.isdigit():
                raise Unreadable("a fraction's part is no digit")
            self._tokens[self._place] = Token("number", here.text[1:])
            return Num(Fraction(int(here.text[0])))
        return self._atom()

    def _atom(self) -> Expr:
        token = self._next()
        if token.kind == "number":
            return self._number(token)
        if token.kind == "name":
            return self._name(token.text)
        if token.kind == "word" and is_variables(token.text):
            # One letter at a time: in xe^x the exponent is that of e alone.
            self._tokens[self._place - 1 : self._place] = [Token("name", letter) for letter in token.text]
            return self._name(token.text[0])
        if token.kind == "open" and token.text in _PAIRS:
            return self._group(token.text)
        if token.kind == "function":
            return self._function(token.text)
        if token.kind == "command":
            return self._named(token.text)
        if token.kind == "op" and token.text == "|":
            self._enter()
            self._bars += 1
            inner = self.sum()
            self._bars -= 1
            self._leave()
            self._take("|")
            return Op("abs", (inner,))
        raise Unreadable(f"{token.text!r} is unexpected")

    def _number(self, token: Token) -> Expr:
        text = token.text
        while "." not in text and self._thousands(text):
            text += self._tokens[self._place + 1].text
            self._place += 2
        if sum(map(str.isdigit, text)) > MAX_DIGITS:
            raise Unreadable("a number is too long")
        value = Fraction(text.removesuffix("."))
        here = self.here
        if here is not None and (here.kind, here.text) == ("command", "overline"):
            self._place += 1
            repeated = self._digits()
            places = len(text.partition(".")[2])
            value += Fraction(int(repeated), (10 ** len(repeated) - 1) * 10**places)
        return Num(value)

    def _thousands(self, text: str) -> bool:
        """Say whether a comma and three digits follow directly: 1,234.  Between brackets a comma separates."""
        if self._brackets or not self._is(",") or self._place + 1 >= len(self._tokens):
            return False
        comma, digits = self._tokens[self._place], self._tokens[self._place + 1]
        integer = digits.text.partition(".")[0]
        first = len(text) <= 3 or text[-4:].isdigit()
        return first and digits.kind == "number" and not digits.spaced and not comma.spaced and len(integer) == 3 and text[0] != "0"

    def _digits(self) -> str:
        braced = self._is("{")
        self._place += braced
        token = self._next()
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > MAX_DEPTH:
            raise Unreadable("what repeats is no run of digits")
        if braced:
            self._take("}")
        return token.text

    def _name(self, name: str) -> Expr:
        if not self._is("_"):
            return Sym(name)
        self._place += 1
        braced = self._is("{")
        self._place += braced
        below = self._next().text
        while braced and not self._is("}"):
            below += self._next().text
        if braced:
            self._take("}")
        return Sym(f"{name}_{below}")

    def _group(self, opening: str) -> Expr:
        bars, self._bars = self._bars, 0
        inner = self._over(self.sum()) if opening == "{" else self.sum()
        self._bars = bars
        self._take(_PAIRS[opening])
        return Op({"⌊": "floor", "⌈": "ceil"}[opening], (inner,)) if opening in "⌊⌈" else inner

    def _over(self, above: Expr) -> Expr:
        r"""Return {a \over b}, TeX's own fraction; `above` where there is none."""
        here = self.here
        if here is None or (here.kind, here.text) != ("command", "over"):
            return above
        self._place += 1
        return Op("div", (above, self.sum()))

    def _named(self, name: str) -> Expr:
        if name == "frac":
            return Op("div", (self._argument(digit=True), self._argument(digit=True)))
        if name == "binom":
            return Op("binom", (self._argument(digit=True), self._argument(digit=True)))
        raise Unreadable(f"{name} is unexpected")

    def _function(self, name: str) -> Expr:
        if name == "sqrt":
            return self._root()
        power: Expr | None = None
        base: Expr | None = None
        if self._is("_"):
            self._place += 1
            base = self._argument(digit=True)
        if self._is("^"):
            self._place += 1
            power = self._exponent()
        argument = self._operand()
        if name in ("log", "lg"):
            base = base or (Num(Fraction(10)) if name == "lg" else None)
            result = Op("log", (argument,) if base is None else (argument, base))
        elif name in FUNCTIONS or name in ("abs", "floor", "ceil"):
            if base is not None:
                raise Unreadable(f"{name} has no base")
            if power == Num(Fraction(-1)) or power == Op("neg", (Num(Fraction(1)),)):
                if f"arc{name}" not in FUNCTIONS:
                    raise Unreadable(f"{name} has no inverse here")
                return Op(f"arc{name}", (argument,))
            result = Op(name, (argument,))
        else:
            raise Unreadable(f"{name} is unexpected")
        return result if power is None else Op("pow", (result, power))

    def _root(self) -> Expr:
        degree: Expr | None = None
        if self._is("["):
            self._place += 1
            degree = self.sum()
            self._take("]")
        here = self.here
        if here is not None and here.kind == "number" and not here.text.isdigit():
            raise Unreadable("what is under the root is not plain")
        radicand = self._argument()
        return Op("sqrt", (radicand,)) if degree is None else Op("root", (radicand, degree))

    def _operand(self) -> Expr:
        """Return a function's argument: a group, or the factors up to the next sign or function."""
        self._enter()
        if self._is("(", "{", "["):
            result: Expr = self._atom()
        else:
            sign = self._next().text if self._is("-") else ""
            result = self.factor()
            while (here := self.here) is not None and (
                here.kind in ("number", "name") or (here.kind, here.text) == ("command", "frac")
            ):
                result = _times(result, self.factor())
            while (
                self._is("/") and self._place + 1 < len(self._tokens) and self._tokens[self._place + 1].kind in ("number", "name")
            ):
                self._place += 1
                result = Op("div", (result, self.factor()))
            result = _signed(sign, result)
        self._leave()
        return result


def is_variables(word: str) -> bool:
    """Say whether a run of letters may be a product of variables: at most three, no English word and no name."""
    is_run = len(word) <= 3 and word.isascii() and word.isalpha() and not word.istitle()
    return is_run and word.casefold() not in _SHORT_WORDS


def is_unit(word: str) -> bool:
    """Say whether a word is a unit of the table."""
    return read_unit(word) is not None


def _signed(sign: str, expression: Expr) -> Expr:
    if sign == "-":
        return Num(-expression.value) if isinstance(expression, Num) else Op("neg", (expression,))
    if sign in ("±", "∓"):
        return Op("pm" if sign == "±" else "mp", (expression,))
    return expression


def _times(left: Expr, right: Expr) -> Expr:
    factors = left.args if isinstance(left, Op) and left.name == "mul" else (left,)
    return Op("mul", (*factors, right))
