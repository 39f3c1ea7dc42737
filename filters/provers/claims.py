"""Small claims as one writes them, `a^2 + b^2 >= 2*a*b`, put into SMT-LIB 2.

The header has one declaration (`a b : Int`, also `Real`, `Bool`) or one premise a line; the proof one lemma a line.  `/` is the
reals' division, `div` and `mod` are the integers'; as in SMT-LIB, what a division by zero gives is open, so nothing rests on it.
"""

import re
from typing import NamedTuple

from filters.provers.protocol import Part
from filters.provers.smtlib import MAX_LEMMAS, Claim, Lemma, Unreadable

MAX_CHARS = 4096  # of a line, inspect_ai's static limit
MAX_DEPTH = 64  # likewise
MAX_EXPONENT = 64  # powers of powers multiplied; higher ones are no small claims
NAME_MARK = "$"  # before each name, so that none is one of SMT-LIB's own
_SORTS = {"Int": "Int", "Real": "Real", "Bool": "Bool", "ℤ": "Int", "ℝ": "Real", "Z": "Int", "R": "Real"}
_DECLARATION = re.compile(r"\s*+([A-Za-z_]\w*+(?:[\s,]++[A-Za-z_]\w*+)*+)\s*+:\s*+([A-Za-zℤℝ]++)\s*+", re.ASCII)
_SPELLINGS = {
    "⇒": "->", "→": "->", "=>": "->", "implies": "->", "↔": "<->", "⇔": "<->", "iff": "<->", "∧": "and", "/\\": "and", "&&": "and",
    "∨": "or", "\\/": "or", "||": "or", "¬": "not", "~": "not", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!=", "==": "=", "**": "^",
    "×": "*", "·": "*", "−": "-",
}  # fmt: skip
_TOKEN = re.compile(
    r"\s*+(?:(?P<number>[0-9]++(?:\.[0-9]++)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*+)"
    r"|(?P<sign><->|->|=>|<=|>=|!=|<>|==|\*\*|/\\|\\/|&&|\|\||[-+*/^()<>=⇒→↔⇔∧∨¬~≤≥≠×·−]))"
)
_POWER = re.compile(r"\(let \(\(\|power ([0-9]+)\|")
_COMPARISONS = frozenset(("=", "!=", "<", "<=", ">", ">="))
# How tightly a sign binds, and how tightly the signs must bind that belong to what follows it.
_BINDING = {"<->": (1, 2), "->": (2, 2), "or": (3, 4), "and": (4, 5), **dict.fromkeys(_COMPARISONS, (6, 7)),
            "+": (7, 8), "-": (7, 8), "*": (8, 9), "/": (8, 9), "div": (8, 9), "mod": (8, 9), "^": (10, 10)}  # fmt: skip
_AFTER_NOT, _AFTER_MINUS = 6, 9
_WORDS = frozenset(("and", "or", "not", "div", "mod", "true", "false", "implies", "iff"))


class _Value(NamedTuple):
    """A term, and its sort."""

    term: str
    sort: str


class _Token(NamedTuple):
    kind: str  # "number", "name", "sign" or "end"
    text: str
    offset: int


def read_claim(header: str, statement: str, proof: str) -> Claim:
    """Return the claim.  Raises Unreadable."""
    sorts: dict[str, str] = {}
    premises: list[str] = []
    for line, offset in _lines(header):
        declaration = _DECLARATION.fullmatch(line)
        if declaration is None:
            premises.append(_read(line, sorts, "header", offset))
            continue
        if declaration[2] not in _SORTS:
            raise Unreadable("header", offset + declaration.start(2), f"{declaration[2]} is none of Int, Real and Bool")
        for name in re.split(r"[\s,]+", declaration[1]):
            if name in sorts or name in _WORDS:
                raise Unreadable("header", offset, f"{name} has a meaning already")
            sorts[name] = _SORTS[declaration[2]]
    claim = _read(" ".join(statement.split("\n")), sorts, "statement", 0)
    lemmas = [Lemma(_read(line, sorts, "proof", offset), offset) for line, offset in _lines(proof)[: MAX_LEMMAS + 1]]
    if len(lemmas) > MAX_LEMMAS:
        raise Unreadable("proof", lemmas[-1].offset, f"there are more than {MAX_LEMMAS} lemmas")
    declarations = "\n".join(f"(declare-const {NAME_MARK}{name} {sort})" for name, sort in sorts.items())
    return Claim(declarations, tuple(premises), claim, tuple(lemmas))


def _lines(text: str) -> list[tuple[str, int]]:
    """Return the lines that are not blank and where each starts."""
    found, offset = [], 0
    for line in text.split("\n"):
        if line.strip():
            found.append((line, offset))
        offset += len(line) + 1
    return found


def _read(line: str, sorts: dict[str, str], part: Part, offset: int) -> str:
    reader = _Reader(line, sorts, part, offset)
    value = reader.expression(0)
    if reader.here.kind != "end":
        raise reader.wrong("an operator is missing before this")
    if value.sort != "Bool":
        raise Unreadable(part, offset, "this is a value, not a claim")
    return value.term


class _Reader:
    """A parser by binding powers, with sorts."""

    def __init__(self, line: str, sorts: dict[str, str], part: Part, offset: int) -> None:
        self._sorts, self._part, self._offset = sorts, part, offset
        self._place = self._depth = 0
        self._degrees: list[int] = []  # of each power that was read, those in its base multiplied in
        self._tokens = self._split(line)

    @property
    def here(self) -> _Token:
        return self._tokens[self._place]

    def wrong(self, message: str, token: _Token | None = None) -> Unreadable:
        return Unreadable(self._part, self._offset + (token or self.here).offset, message)

    def _split(self, line: str) -> list[_Token]:
        if len(line) > MAX_CHARS:
            raise Unreadable(self._part, self._offset, f"the line has more than {MAX_CHARS} characters")
        tokens, position, end = [], 0, len(line.rstrip())
        while position < end:
            match = _TOKEN.match(line, position)
            if match is None or match.lastgroup is None:
                raise Unreadable(self._part, self._offset + position, "a sign that claims do not have")
            text = match[match.lastgroup]
            text = _SPELLINGS.get(text, text)
            kind = "sign" if text in _BINDING or text == "not" else match.lastgroup
            tokens.append(_Token(kind, text, match.start(match.lastgroup)))
            position = match.end()
        return [*tokens, _Token("end", "the end", end)]

    def expression(self, binding: int) -> _Value:
        """Read what its signs hold together, each of which binds at least as tightly as `binding`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.wrong("it is nested too deeply")
        value = self._operand()
        while (sign := self.here).kind == "sign" and _BINDING.get(sign.text, (-1, 0))[0] >= binding:
            if sign.text in _COMPARISONS:
                value = self._chain(value)
            else:
                self._place += 1
                value = self._combined(value, sign, self.expression(_BINDING[sign.text][1]))
        self._depth -= 1
        return value

    def _operand(self) -> _Value:
        token = self.here
        self._place += token.kind != "end"
        if token.kind == "number":
            return _Value(token.text, "Real" if "." in token.text else "Int")
        if token.text in ("true", "false"):
            return _Value(token.text, "Bool")
        if token.kind == "name" and token.text in self._sorts:
            return _Value(NAME_MARK + token.text, self._sorts[token.text])
        if token.text == "not":
            return _Value(f"(not {self._sorted(self.expression(_AFTER_NOT), 'Bool', token).term})", "Bool")
        if token.text == "-":
            value = self._number(self.expression(_AFTER_MINUS), token)
            return _Value(f"(- {value.term})", value.sort)
        if token.text == "(":
            value = self.expression(0)
            if self.here.text != ")":
                raise self.wrong("a bracket should close here")
            self._place += 1
            return value
        raise self.wrong(f"{token.text} is not declared" if token.kind == "name" else "a value is missing here", token)

    def _chain(self, value: _Value) -> _Value:
        """Read `a <= b < c`: every neighbour compared."""
        parts = []
        while self.here.text in _COMPARISONS:
            sign = self.here
            self._place += 1
            right = self.expression(_BINDING[sign.text][1])
            parts.append(self._compared(value, sign, right))
            value = right
        return _Value(parts[0] if len(parts) == 1 else f"(and {' '.join(parts)})", "Bool")

    def _compared(self, left: _Value, sign: _Token, right: _Value) -> str:
        if left.sort == right.sort == "Bool" and sign.text in ("=", "!="):
            one, other = left.term, right.term
        else:
            one, other = self._alike(left, right, sign)
        return f"(not (= {one} {other}))" if sign.text == "!=" else f"({sign.text} {one} {other})"

    def _combined(self, left: _Value, sign: _Token, right: _Value) -> _Value:
        text = sign.text
        if text in ("and", "or", "->", "<->"):
            one, other = (self._sorted(value, "Bool", sign).term for value in (left, right))
            return _Value(f"({ {'->': '=>', '<->': '='}.get(text, text) } {one} {other})", "Bool")
        if text in ("div", "mod"):
            one, other = (self._sorted(value, "Int", sign).term for value in (left, right))
            return _Value(f"({text} {one} {other})", "Int")
        if text == "^":
            return self._power(self._number(left, sign), sign, right)
        if text == "/":
            return _Value(f"(/ {_real(self._number(left, sign))} {_real(self._number(right, sign))})", "Real")
        one, other = self._alike(left, right, sign)
        return _Value(f"({text} {one} {other})", "Int" if left.sort == right.sort == "Int" else "Real")

    def _power(self, base: _Value, sign: _Token, exponent: _Value) -> _Value:
        if not (exponent.term.isdecimal() and exponent.sort == "Int" and len(exponent.term) < 4):
            raise self.wrong("an exponent is a whole number", sign)
        times = int(exponent.term)
        degree = times * max((self._degrees[int(power)] for power in _POWER.findall(base.term)), default=1)
        if degree > MAX_EXPONENT:
            raise self.wrong(f"an exponent is at most {MAX_EXPONENT}", sign)
        if times < 2:
            return base if times else _Value("1", base.sort)
        name = f"|power {len(self._degrees)}|"  # a name that no claim has; the base is written once, however deep the powers
        self._degrees.append(degree)
        return _Value(f"(let (({name} {base.term})) (* {' '.join([name] * times)}))", base.sort)

    def _alike(self, left: _Value, right: _Value, sign: _Token) -> tuple[str, str]:
        left, right = self._number(left, sign), self._number(right, sign)
        return (left.term, right.term) if left.sort == right.sort else (_real(left), _real(right))

    def _number(self, value: _Value, sign: _Token) -> _Value:
        if value.sort == "Bool":
            raise self.wrong(f"{sign.text} is for numbers", sign)
        return value

    def _sorted(self, value: _Value, sort: str, sign: _Token) -> _Value:
        if value.sort != sort:
            raise self.wrong(f"{sign.text} is for {'claims' if sort == 'Bool' else 'integers'}", sign)
        return value


def _real(value: _Value) -> str:
    return f"(to_real {value.term})" if value.sort == "Int" else value.term
