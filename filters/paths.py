"""Equation paths: the way of a chain as the list of its equations (Yuan et al. 2023, RFT, arXiv 2308.01825, section 3.3).

Two chains with the same list are one way to solve a problem in other words.
"""

from filters.equation_reader import Side
from filters.equations import stated_sides
from filters.rationals import literal

SEPARATOR = "|"


def path(text: str) -> str:
    """Return the equations of a chain in the order of the text, normalised and joined; "" where it states none.

    Where a text marks its equations, <<48/2=24>>, the marks are its path, as in RFT.  What is stated again is no new step.
    """
    equations = (f"{_plain(left)}={_plain(right)}" for left, right in stated_sides(text))
    return SEPARATOR.join(dict.fromkeys(equations))


def _plain(side: Side) -> str:
    """Return one side without its units and spaces, each number as an integer or a fraction: 1,200 × 0.50 is 1200*1/2."""
    return "".join(_token(token) for token in side.tokens)


def _token(token: str) -> str:
    if token == "of":
        return "*"
    return str(literal(token)) if any(map(str.isdigit, token)) and not token.startswith("^") else token
