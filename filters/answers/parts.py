"""What an answer can be beside one expression: collections, matrices, relations, numbers of another base, values with words."""

from typing import NamedTuple

from filters.answers.expression import Expr, Num, Op, Sym
from filters.answers.tokens import Token


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
