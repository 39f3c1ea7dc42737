r"""One spelling of mathematics, in which math-verify's parser leaves nothing out and reads nothing in.

Left to itself the parser (latex2sympy2) reads `2(3)` as 5, `4\sqrt(2)` as 4, `52_8` as 52, `x^T` as x, `f'(x)` as f·x, folds upper
and lower case, and takes prose for products.  So a text is first read here, by a grammar of known parts only, and written out with
every product and bracket: `2(x_1+\frac12)` becomes `2\cdot (\bar{x_1}+\frac{1}{2})`.  What the grammar does not know is refused.
"""

from typing import NamedTuple

from filters.symbolic.limits import MAX_NESTING
from filters.symbolic.tokens import FUNCTIONS, GREEK, Unreadable, tokens_of

_RELATIONS = {"=": "=", "<": "<", ">": ">", "<=": r"\leq ", ">=": r"\geq ", r"\le": r"\leq ", r"\ge": r"\geq ",
              r"\ne": r"\neq ", r"\in": "="}  # fmt: skip
_ASCENDING = {">": "<", r"\geq ": r"\leq "}
_SETS = {r"\cup": r"\cup ", r"\cap": r"\cap ", r"\setminus": r"\setminus "}
_NUMBER_SETS = frozenset("NZQRC")
_BRACKETS = {"(": (")", "]"), "[": ("]", ")"), "{": ("}",), r"\{": (r"\}",), r"\lfloor": (r"\rfloor",), r"\lceil": (r"\rceil",)}
_ENDS = frozenset((r"\}", r"\\", r"\rfloor", r"\rceil", r"\pm", r"\mp", r"\end", r"\circ"))

ATOM, POWER, PRODUCT, FUNCTION, SUM, COLLECTION, RELATION = range(7)


class Piece(NamedTuple):
    """A part that is written out, and how loosely it holds together: values are ATOM to SUM."""

    text: str
    rank: int


def written_out(text: str) -> str:
    """Return the text in the one spelling.  Raises Unreadable for all that is not wholly understood.  Recursion is bounded."""
    writer = _Writer(tokens_of(text))
    piece = writer.listed()
    if writer.here:
        raise Unreadable("left_over")
    return piece.text


class _Writer:
    """A parser by recursive descent that writes what it reads."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0
        self._bars = 0  # absolute values that are open
        self._plus = True  # how ± is read
        self._doubled = False  # a ± was read

    @property
    def here(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        token = self.here
        if not token:
            raise Unreadable("ends_early")
        self._place += 1
        return token

    def _took(self, *tokens: str) -> str:
        """Take the next token if it is one of these, and return it, else ""."""
        return self._next() if self.here in tokens else ""

    def _take(self, token: str) -> None:
        if not self._took(token):
            raise Unreadable("bracket")

    # Lists, relations, sets

    def listed(self) -> Piece:
        """Return elements between commas; one with ± as the two that it stands for."""
        pieces = [self._either()]
        while self._took(","):
            pieces.append(self._either())
        return _list(pieces)

    def _either(self) -> Piece:
        start, self._plus, self._doubled = self._place, True, False
        piece = self._relation()
        if self._doubled:
            self._place, self._plus = start, False
            piece = _list([piece, self._relation()])
        return piece

    def _relation(self) -> Piece:
        """Return a relation or a chain of them, ascending: 2 > x > 1 as 1 < x < 2."""
        first = self._sets()
        parts, signs = [first.text], [""]
        while self.here in _RELATIONS:
            signs.append(_RELATIONS[self._next()])
            parts.append(self._sets().text)
        if len(parts) == 1:
            return first
        if all(sign in _ASCENDING for sign in signs[1:]):
            parts.reverse()
            signs = ["", *(_ASCENDING[sign] for sign in reversed(signs[1:]))]
        return Piece("".join(sign + part for sign, part in zip(signs, parts, strict=True)), RELATION)

    def _sets(self) -> Piece:
        piece = self._sum()
        while self.here in _SETS:
            operation = _SETS[self._next()]
            other = self._sum()
            if piece.rank != COLLECTION or other.rank != COLLECTION:
                raise Unreadable("collection")
            piece = Piece(f"{piece.text}{operation}{other.text}", COLLECTION)
        return piece

    # Values

    def _sum(self) -> Piece:
        sign = self._sign()
        piece = self._product()
        if sign == "-":
            piece = Piece("-" + _within(FUNCTION, piece), SUM)
        while sign := self._sign():
            piece = Piece(_within(SUM, piece) + sign + _within(FUNCTION, self._product()), SUM)
        return piece

    def _sign(self) -> str:
        """Take a sign, and return "+", "-" or, where there is none, ""."""
        sign = self._took("+", "-", r"\pm", r"\mp")
        if sign.startswith("\\"):
            self._doubled = True
            return "+" if (sign == r"\pm") == self._plus else "-"
        return sign

    def _product(self) -> Piece:
        product = self._factor()
        divided = False  # whether a factor without a sign could belong to the divisor: 1/2x
        while True:
            if self._took("*"):
                product, divided = _times(product, self._signed_factor()), False
            elif self._took("/"):
                product = Piece(rf"\frac{{{_within(SUM, product)}}}{{{_within(SUM, self._signed_factor())}}}", POWER)
                divided = True
            elif self._starts_factor():
                if divided:
                    raise Unreadable("ambiguous_fraction")
                product = _times(product, self._factor())
            else:
                return product

    def _starts_factor(self) -> bool:
        here = self.here
        if here[:1].isdigit() or here[:1] == ".":
            raise Unreadable("adjacent_numbers")
        is_command = here[:1] == "\\" and here not in _RELATIONS and here not in _SETS and here not in _ENDS
        return is_command or here.isalpha() or here in _BRACKETS or (here == "|" and not self._bars)

    def _signed_factor(self) -> Piece:
        return Piece("-" + _within(POWER, self._factor()), SUM) if self._took("-") else self._factor()

    def _factor(self) -> Piece:
        piece = self._atom()
        while mark := self._took("^", "!"):
            if mark == "!":
                piece = Piece(f"{_within(ATOM, piece)}!", POWER)
            elif self.here == r"\circ" or self._tokens[self._place : self._place + 3] == ["{", r"\circ", "}"]:
                self._place += 1 if self.here == r"\circ" else 3
                piece = _times(piece, Piece(r"\frac{\pi}{180}", POWER))
            else:
                piece = Piece(f"{_within(ATOM, piece)}^{{{self._exponent()}}}", POWER)
        return piece

    def _exponent(self) -> str:
        """Return an exponent: a group, or one token; x^23 is x²·3 to some and x²³ to others."""
        if self._took("-"):
            return "-" + _within(POWER, self._argument())
        piece = self._argument(split=False)
        if piece.text in (r"\bar{T}", r"\bar{t}"):
            raise Unreadable("transpose")
        return _within(SUM, piece)

    def _argument(self, split: bool = True) -> Piece:
        r"""Return a group, or one token; with `split` one digit of a number, as in \frac43."""
        here = self.here
        if not here[:1].isdigit():
            return self._atom()
        if not here.isdigit() or (len(here) > 1 and not split):
            raise Unreadable("argument")
        self._tokens[self._place : self._place + 1] = [here[0], here[1:]] if len(here) > 1 else [here]
        self._place += 1
        return Piece(here[0], ATOM)

    def _atom(self) -> Piece:
        """Return a part that a power or a product takes whole.  All recursion passes through here."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise Unreadable("nested_too_deeply")
        piece = self._part(self._next())
        self._depth -= 1
        return piece

    def _part(self, token: str) -> Piece:
        if token[0].isdigit() or token[0] == ".":
            return self._number(token)
        if token.isalpha() or token[1:] in GREEK:
            return self._name(token.lstrip("\\"))
        if token in _BRACKETS:
            return self._bracketed(token)
        if token == "|":
            self._bars += 1
            inner = _within(SUM, self._sum())
            self._bars -= 1
            self._take("|")
            return Piece(rf"\lvert {inner}\rvert ", ATOM)
        if token[1:] in FUNCTIONS:
            return self._function(token[1:])
        return self._command(token)

    def _number(self, text: str) -> Piece:
        if self.here == "_":
            raise Unreadable("base")
        whole, point, decimals = text.partition(".")
        if point:  # exact: a float would be rounded to 15 digits
            return Piece(rf"\frac{{{int(whole + decimals)}}}{{{10 ** len(decimals)}}}", POWER)
        if self.here == r"\frac":
            start = self._place
            above, _, below = self._atom().text.removeprefix(r"\frac{").removesuffix("}").partition("}{")
            if above.isdigit() and below.isdigit() and 0 < int(above) < int(below) and self.here != "^":
                return Piece(rf"{text}+\frac{{{above}}}{{{below}}}", SUM)  # a mixed number
            self._place = start
        return Piece(str(int(text)), ATOM)

    def _name(self, name: str) -> Piece:
        r"""Return a variable as \bar{name}, which the parser takes as one letter, whatever the name; or e, or i."""
        if self._took("_"):
            braced = self._took("{")
            below = self._next()
            while braced and not self._took("}"):
                below += self._next()
            if not below.isalnum():
                raise Unreadable("subscript")
            name = f"{name}_{below}"
        elif name in ("e", "i"):
            return Piece({"e": "e", "i": "I "}[name], ATOM)
        if self.here == "(" and name in ("f", "g", "h"):
            raise Unreadable("function")
        return Piece(rf"\bar{{{name}}}", ATOM)

    def _bracketed(self, opening: str) -> Piece:
        """Return what brackets hold: a value, or a collection (tuple, interval, set)."""
        bars, plus, doubled, self._bars = self._bars, self._plus, self._doubled, 0
        if self.here == r"\}":
            inner = Piece("", COLLECTION)
        elif opening == r"\{":
            inner = self.listed()
            self._plus, self._doubled = plus, doubled
        else:
            pieces = [self._relation()]
            while self._took(","):
                pieces.append(self._relation())
            inner = _list(pieces)
        closing = self._next()
        self._bars = bars
        if closing not in _BRACKETS[opening]:
            raise Unreadable("bracket")
        if opening in (r"\lfloor", r"\lceil"):
            return Piece(f"{opening} {_within(SUM, inner)}{closing} ", ATOM)
        if inner.rank <= SUM and closing == _BRACKETS[opening][0] and opening != r"\{":
            return inner
        if inner.rank != COLLECTION and opening != r"\{":
            raise Unreadable("bracket")
        return Piece(f"{opening}{inner.text}{closing}" if inner.text else r"\emptyset ", COLLECTION)

    def _function(self, name: str) -> Piece:
        base = power = ""
        if self._took("_"):
            base = _within(SUM, self._argument())
        if self._took("^"):
            power = self._exponent()
        argument = self._operand()
        if name in ("log", "lg"):
            # A logarithm of no written base is of an unknown one: to 10 in one text and to e in another.
            base = base or {"log": r"\bar{0base}", "lg": "10"}[name]
        elif base:
            raise Unreadable("command")
        if power == "-1":
            if name not in ("sin", "cos", "tan"):
                raise Unreadable("inverse")  # 1/ln x, or the inverse function
            name, power = f"arc{name}", ""
        text = rf"\{'log' if name == 'lg' else name}" + f"_{{{base}}}" * bool(base) + f"{{{argument}}}"
        return Piece(f"({text})^{{{power}}}", POWER) if power else Piece(text, FUNCTION)

    def _operand(self) -> str:
        """Return a function's argument: a group, or the factors up to the next sign or function."""
        if self.here in ("(", "[", "{", "|"):
            return _within(SUM, self._atom())
        piece = self._factor()
        while self.here.isalpha() or self.here[1:] in GREEK or self.here == r"\pi":
            piece = _times(piece, self._factor())
        if self.here == "/" or (self._starts_factor() and self.here[1:] not in FUNCTIONS):
            raise Unreadable("ambiguous_argument")
        return _within(SUM, piece)

    def _command(self, token: str) -> Piece:
        if token in (r"\pi", r"\infty"):
            return Piece(token + " ", ATOM)
        if token in (r"\frac", r"\binom"):
            above, below = (_within(SUM, self._argument()) for _ in range(2))
            return Piece(f"{token}{{{above}}}{{{below}}}", POWER)
        if token == r"\sqrt":
            degree = _within(SUM, self._bracketed("[")) if self._took("[") else ""
            return Piece(r"\sqrt" + f"[{degree}]" * bool(degree) + f"{{{_within(SUM, self._argument(split=False))}}}", POWER)
        if token == r"\emptyset":
            return Piece(r"\emptyset ", COLLECTION)
        if token == r"\mathbb":
            braced = self._took("{")
            name = self._next()
            if name in _NUMBER_SETS and (not braced or self._took("}")):
                return Piece(rf"\mathbb{{{name}}}", COLLECTION)
        if token == r"\begin":
            return self._matrix()
        raise Unreadable("command")

    def _matrix(self) -> Piece:
        rows, row = [], [_within(SUM, self._sum())]
        while mark := self._took("&", r"\\"):
            if mark != "&":
                rows.append(row)
                row = []
                if self.here == r"\end":
                    break
            row.append(_within(SUM, self._sum()))
        self._take(r"\end")
        inner = r"\\".join("&".join(cells) for cells in [*rows, row] if cells)
        return Piece(rf"\begin{{pmatrix}}{inner}\end{{pmatrix}}", COLLECTION)


def _within(rank: int, piece: Piece) -> str:
    """Return the text of a value, in brackets where it holds together less than `rank`."""
    if piece.rank > SUM:
        raise Unreadable("collection")
    return piece.text if piece.rank <= rank else f"({piece.text})"


def _times(left: Piece, right: Piece) -> Piece:
    return Piece(rf"{_within(PRODUCT, left)}\cdot {_within(POWER, right)}", PRODUCT)


def _list(pieces: list[Piece]) -> Piece:
    return pieces[0] if len(pieces) == 1 else Piece(",".join(piece.text for piece in pieces), COLLECTION)
