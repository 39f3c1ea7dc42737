"""Expressions as trees of three kinds of node, all hashable.  Nothing here computes; `modular` and `precise` do."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple


class Num(NamedTuple):
    """An exact rational number."""

    value: Fraction


class Sym(NamedTuple):
    """A variable or a named constant: "x", "x_1", "pi", "e", "oo"."""

    name: str


class Op(NamedTuple):
    """An operation.  Names: add, mul, neg, div, pow, sqrt, root (radicand, degree), abs, fact, binom, floor, ceil, pm, mp,
    log (argument, and base where it is written), and the functions of one argument in `FUNCTIONS`."""

    name: str
    args: tuple["Expr", ...]


Expr = Num | Sym | Op

FUNCTIONS = frozenset("sin cos tan cot sec csc arcsin arccos arctan arccot sinh cosh tanh exp ln".split())
INFINITY = Sym("oo")


def walk(expression: Expr) -> Iterator[Expr]:
    """Yield every node, without recursion."""
    stack: list[Expr] = [expression]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Op):
            stack.extend(node.args)


def symbols(expression: Expr) -> frozenset[str]:
    """Return the names of variables and constants."""
    return frozenset(node.name for node in walk(expression) if isinstance(node, Sym))


def has(expression: Expr, *names: str) -> bool:
    """Say whether an operation of one of these names occurs."""
    return any(isinstance(node, Op) and node.name in names for node in walk(expression))


def minus(left: Expr, right: Expr) -> Expr:
    """Return left − right."""
    return Op("add", (left, Op("neg", (right,))))


def with_sign(expression: Expr, plus: bool) -> Expr:
    """Return the expression with every ± read as + (and ∓ as −), or the other way round."""
    if not isinstance(expression, Op):
        return expression
    args = tuple(with_sign(one, plus) for one in expression.args)
    if expression.name in ("pm", "mp"):
        return args[0] if plus == (expression.name == "pm") else Op("neg", args)
    return Op(expression.name, args)
