"""From tokens to what an answer is: an expression, or a collection, matrix or relation of them."""

from fractions import Fraction

from filters.answers.arithmetic import MATRICES, Arithmetic, Unreadable
from filters.answers.exact import Unevaluable, rational
from filters.answers.expression import Expr, Num, Op, Sym
from filters.answers.parts import Based, Binary, Bracket, Listed, Matrix, Part, Worded
from filters.answers.quantity import MAX_UNIT_WORDS, changes_no_value
from filters.answers.tokens import Token

_RELATIONS = frozenset("=<≤>≥≠∈→≈|:")
_SETS = frozenset("∪∩∖")


def parse(tokens: list[Token]) -> Part:
    """Return what the tokens are.  Raises Unreadable."""
    parser = _Parser(tokens)
    part = parser.listed()
    if parser.here is not None:
        raise Unreadable(f"{parser.here.text!r} is left over")
    return part


class _Parser(Arithmetic):
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
        if self._is("-") and self._matrix_at(1):
            self._place += 1
            return self._scaled(Num(Fraction(-1)))
        expression = self.sum()
        return self._scaled(expression) if self._matrix_at(0) else self._worded(expression, ())

    def _matrix_at(self, ahead: int) -> bool:
        token = self._tokens[self._place + ahead] if self._place + ahead < len(self._tokens) else None
        return token is not None and token.kind == "open" and token.text in MATRICES

    def _scaled(self, factor: Expr) -> Part:
        """Return the matrix that follows, each cell times a factor that stands before it."""
        matrix = self._collection()
        if not isinstance(matrix, Matrix) or matrix.bars:
            raise Unreadable("a factor before what is no matrix")
        return Matrix(tuple(tuple(_times(factor, one) for one in row) for row in matrix.rows), False)

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
        if len(words) > MAX_UNIT_WORDS or not all(changes_no_value(word.text) for word in words):
            raise Unreadable("the words behind a value may change it")
        return Worded(expression, tuple(words)) if words else expression

    def _collection(self) -> Part | None:
        """Return a matrix, or brackets that are no grouping of one expression; None where they are."""
        opening = self._next()
        if opening.text in MATRICES:
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
        if closing.kind != "close" or closing.text in MATRICES or (opening.text in ("{", "\\{")) != (closing.text in ("}", "\\}")):
            return None
        items = inner.items if isinstance(inner, Listed) else (inner,)
        is_set = opening.text == "\\{"
        if opening.text == "{" and len(items) == 1:  # a group of LaTeX
            return None
        if isinstance(inner, Matrix):  # brackets around an array
            return inner
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


def _times(factor: Expr, cell: Expr) -> Expr:
    """Return the product, worked out where it is a number: a factor before a matrix is no sum left undone."""
    product = Op("mul", (factor, cell))
    try:
        return Num(rational(product))
    except Unevaluable:
        return product
