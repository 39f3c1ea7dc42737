r"""From tokens to expressions and collections: a parser by recursive descent, bounded in depth.

The notation is what models write: LaTeX, plain text and their mixtures.  `1/2x` is (1/2)x, `2^10` is 1024, `137\frac12` is a mixed
number, `\frac43` is 4/3, `\sin 2x` is sin(2x).  What is ambiguous or unknown raises `Unreadable`.
"""

from fractions import Fraction
from typing import NamedTuple

from filters.answers.expression import FUNCTIONS, Expr, Num, Op, Sym
from filters.answers.tokens import Token

MAX_DEPTH = 64  # nesting, inspect_ai's static limit
MAX_DIGITS = 2048  # digits of one number, inspect_ai's static limit; CPython's int() refuses from 4,301


class Unreadable(Exception):
    """The tokens are no expression."""


class Bracket(NamedTuple):
    """Elements between brackets, as written: "(", "[", "{" and their closing partners."""

    left: str
    items: "tuple[Part, ...]"
    right: str


class Matrix(NamedTuple):
    """Rows of equal length; `bars` where the environment is a determinant's."""

    rows: tuple[tuple[Expr, ...], ...]
    bars: bool


class Based(NamedTuple):
    """Digits with a written base, such as 52_8."""

    digits: str
    base: int


class Binary(NamedTuple):
    """A relation or an operation on sets: "=", "<", "≤", ">", "≥", "≠", "∈", "∪", "∩", "∖", "|", "→", "≈"."""

    op: str
    left: "Part"
    right: "Part"


class Listed(NamedTuple):
    """Elements that commas or "and" separate, without brackets."""

    items: "tuple[Part, ...]"


class Worded(NamedTuple):
    """An expression with the words behind it, most often a unit."""

    expression: Expr
    words: tuple[Token, ...]


Part = Num | Sym | Op | Bracket | Matrix | Based | Binary | Listed | Worded

_RELATIONS = frozenset("=<≤>≥≠∈→≈|:")
_SETS = frozenset("∪∩∖")
_PAIRS = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "⌊": "⌋", "⌈": "⌉"}
_MATRICES = frozenset("pmatrix bmatrix Bmatrix matrix vmatrix smallmatrix array".split())
_SHORT_WORDS = frozenset(
    "not the and for per one two six ten all any yes no is it or an of to so we in at by as but are if on be do he me my up us "
    "odd mod gcd lcm sum day men boy cat dog box bag pen cup hat can car bus egg way red set who how has had was you her his she "
    "its our out off too few get got let may new now old say see use non nor yet via vs am pm ok oh hi map key lot bit pie toy "
    "max min sec hrs min det dim arg sup inf lim ans usd cny eur gbp kph mph yen".split()
)
_STARTS = frozenset(("number", "name", "function", "command", "open"))


def parse(tokens: list[Token]) -> Part:
    """Return what the tokens are.  Raises Unreadable."""
    parser = _Parser(tokens)
    part = parser.listed()
    if parser.here is not None:
        raise Unreadable(f"{parser.here.text!r} is left over")
    return part


class _Parser:
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

    # Collections and relations

    def listed(self) -> Part:
        items = [self.relation()]
        while self._is(",", ";"):
            self._place += 1
            if self._is(","):  # ", and"
                self._place += 1
            items.append(self.relation())
        return items[0] if len(items) == 1 else Listed(tuple(items))

    def relation(self) -> Part:
        part = self.sets()
        while (here := self.here) is not None and here.kind == "op" and here.text in _RELATIONS:
            if here.text == "|" and self._bars:
                break
            self._place += 1
            part = Binary(here.text, part, self.relation() if here.text in "|:" else self.sets())
        return part

    def sets(self) -> Part:
        part = self.element()
        while (here := self.here) is not None and here.kind == "op" and here.text in _SETS:
            self._place += 1
            part = Binary(here.text, part, self.element())
        return part

    def element(self) -> Part:
        """Return a bracketed collection, a matrix, a number of another base, or an expression with its words."""
        start = self._place
        here = self.here
        if here is not None and here.kind == "command" and here.text == "emptyset":
            self._place += 1
            return Bracket("\\{", (), "\\}")
        if here is not None and here.kind == "open" and (found := self._collection()) is not None:
            return found
        self._place = start
        if (based := self._based()) is not None:
            return based
        self._place = start
        if here is not None and here.kind == "word" and here.text in "$€£¥₹":
            self._place += 1
            return self._worded(self.sum(), (here,))
        return self._worded(self.sum(), ())

    def _worded(self, expression: Expr, before: tuple[Token, ...]) -> Part:
        words = list(before)
        while (here := self.here) is not None:
            is_power = here.kind == "op" and here.text == "^" and words and words[-1].kind == "word"
            if (
                here.kind in ("word", "name")
                or (words and here.kind == "op" and here.text == "/")
                or (here.kind, here.text) == ("op", "%")
            ):
                words.append(self._next())
            elif is_power:
                self._place += 1
                power = self._argument()
                if not isinstance(power, Num):
                    raise Unreadable("a unit's power is no number")
                words[-1] = Token("word", f"{words[-1].text}^{power.value}")
            else:
                break
        return Worded(expression, tuple(words)) if words else expression

    def _collection(self) -> Part | None:
        """Return a matrix, or brackets that are no grouping of one expression; None where they are."""
        opening = self._next()
        if opening.text in _MATRICES:
            return self._matrix(opening.text)
        if opening.text not in ("(", "[", "\\{", "{"):
            return None
        self._enter()
        bars, self._bars = self._bars, 0
        self._brackets += 1
        try:
            if opening.text == "\\{" and self._is("\\}"):
                self._place += 1
                return Bracket("\\{", (), "\\}")
            inner = self.listed()
            closing = self._next()
        except Unreadable:
            return None
        finally:
            self._bars = bars
            self._brackets -= 1
            self._leave()
        if closing.kind != "close" or closing.text in _MATRICES or (opening.text in ("{", "\\{")) != (closing.text in ("}", "\\}")):
            return None
        items = inner.items if isinstance(inner, Listed) else (inner,)
        is_set = opening.text == "\\{"
        if opening.text == "{" and len(items) == 1:  # a group of LaTeX
            return None
        if len(items) == 1 and not is_set and isinstance(inner, Num | Sym | Op | Worded | Based):
            return None
        return Bracket(opening.text.removeprefix("\\"), items, closing.text.removeprefix("\\"))

    def _matrix(self, name: str) -> Matrix:
        self._enter()
        rows: list[tuple[Expr, ...]] = []
        row: list[Expr] = []
        while not (self.here is not None and self.here.kind == "close" and self.here.text == name):
            if self._is("&"):
                self._place += 1
            elif self._is("\\\\"):
                self._place += 1
                rows.append(tuple(row))
                row = []
            else:
                row.append(self.sum())
        self._place += 1
        self._leave()
        if row:
            rows.append(tuple(row))
        if not rows or len({len(one) for one in rows}) != 1 or not rows[0]:
            raise Unreadable("the rows of a matrix differ in length")
        return Matrix(tuple(rows), name == "vmatrix")

    def _based(self) -> Based | None:
        """Return digits with a base: 52_8, 4210_{5}, A1_{16}."""
        digits = ""
        while (
            (here := self.here) is not None
            and here.kind in ("number", "name", "word")
            and here.text.isalnum()
            and here.text.isascii()
        ):
            digits += here.text
            self._place += 1
        if not digits or not self._is("_") or not digits[0].isalnum() or not any(map(str.isdigit, digits)):
            return None
        self._place += 1
        braced = self._is("{")
        self._place += braced
        here = self.here
        if here is None or here.kind != "number" or not here.text.isdigit() or len(here.text) > 2:
            return None
        base = int(here.text)
        self._place += 1
        if braced:
            self._take("}")
        if not 2 <= base <= 36 or any(int(one, 36) >= base for one in digits):
            return None
        return Based(digits.upper().lstrip("0") or "0", base)

    # Arithmetic

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
            elif here.kind in _STARTS or (here.kind == "word" and self._is_product(here)):
                if here.kind == "number" and self._tokens[self._place - 1].kind in ("number", "name"):
                    raise Unreadable("a number stands right behind another value")
                if here.kind == "open" and here.text in _MATRICES:
                    raise Unreadable("a matrix in a product")
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
        after_value = before is not None and (before.kind in ("number", "close"))
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
            elif here.text == "!" and not self._is("="):
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
            inner = self.sum()
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
            return Op("mul", tuple(Sym(one) for one in token.text))
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
        inner = self.sum()
        self._bars = bars
        self._take(_PAIRS[opening])
        return Op({"⌊": "floor", "⌈": "ceil"}[opening], (inner,)) if opening in "⌊⌈" else inner

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
    """Say whether a run of letters may be a product of variables: at most three of one case that are no English word."""
    is_run = len(word) <= 3 and word.isascii() and word.isalpha() and (word.islower() or word.isupper())
    return is_run and word.casefold() not in _SHORT_WORDS


def is_unit(word: str) -> bool:
    """Say whether a word is a unit of the table."""
    from filters.answers.units import read_unit

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
