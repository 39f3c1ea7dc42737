r"""The equations that a text states, read in one pass.

A *side* is arithmetic that stands alone: numbers with their units, operators as signs, LaTeX or words, brackets.  Sides joined by
= or ≈ are a *chain*.  A side with anything else in it (a variable, a function, a word that changes a number) has no value, so what
has one was read whole.
"""

import re
from typing import NamedTuple

from filters.equation_tokens import (
    AND_PART,
    COMMANDS,
    IGNORED,
    KINDS,
    MAX_RUN,
    OPERAND_AHEAD,
    POWERS,
    SIGNS,
    STOPS,
    TOKEN,
    breaks_number,
    ends_split,
    is_bare,
    is_part,
    number_of_token,
)
from filters.equation_words import Behind, ahead, attached_unit, behind, goes_on, is_measure
from filters.rationals import Value, evaluate

_VARIABLE = frozenset(("x", "X", " x", " X"))
_POSTFIXES = frozenset(("^2", "^3", "%"))
_ASIDE = re.compile("([\u4e00-\u9fff])|[A-Za-z]{3}")  # words in a bracket: they only comment on the number before it


class Side(NamedTuple):
    """One side of an equation.  Offsets are code points, end exclusive; `value` is None where it was not read whole."""

    start: int
    end: int
    value: Value | None
    tokens: tuple[str, ...]


class Chain(NamedTuple):
    """Two or more sides joined by = or ≈ in the order of the text; `relations` are the signs between them, one fewer."""

    sides: tuple[Side, ...]
    relations: str
    named: int | None  # offset of the first sign where words or a variable stand alone before it: "x = 5"

    @property
    def end(self) -> int:
        """Offset behind what was read of it."""
        return max(self.named or 0, *(side.end for side in self.sides))


def chains(text: str) -> list[Chain]:
    """Return the chains that `text` states, in its order.  Signs must be ASCII; time is linear in the length."""
    return _Reader(text).read()


# Where the reader is in a side: at its start, behind a bracket, behind an operator, behind a number, behind a number's unit.
_FRESH, _OPENED, _OPERATED, _OPERAND, _UNIT = range(5)


class _Open(NamedTuple):
    """An open bracket."""

    place: int  # among the tokens
    start: int  # its offset
    clean: bool  # whether what stands before it is


class _Reader:
    """The state between tokens.  Each method takes one kind of token with its offsets."""

    __slots__ = ("chains", "clean", "end", "inside", "joins", "led", "measure", "named", "opens", "relations", "sides", "signable",
                 "start", "state", "text", "tokens", "worded")  # fmt: skip

    def __init__(self, text: str) -> None:
        self.text = text
        self.chains: list[Chain] = []
        self.sides: list[Side] = []
        self.relations: list[str] = []
        self.named: int | None = None
        self.inside = False  # the chain began inside a bracket that must close behind it
        self.begin(True)
        self.signable = True  # a sign here belongs to the number behind it

    def read(self) -> list[Chain]:
        takers = [getattr(self, kind) for kind in KINDS]
        text = self.text
        for match in TOKEN.finditer(text):
            kind = match.lastindex or 1
            start, end = match.span(kind)
            takers[kind - 1](text[start:end], start, end)
        self.finish()
        return self.chains

    def begin(self, clean: bool) -> None:
        """Start a side.  One that is not clean has no value."""
        self.state = _FRESH
        self.tokens: list[str] = []
        self.opens: list[_Open] = []
        self.start = self.end = 0
        self.clean = clean
        self.worded = False  # words or a variable stand before it
        self.led = True  # a statement may begin here
        self.measure = False  # the last unit goes on, as in "1 hour 20 minutes"
        self.joins = False  # the last unit joins its number to the next, as in "adds 3 to 5"
        self.signable = False

    def side(self) -> Side:
        """Return the side read so far: inside an open bracket what follows the bracket."""
        tokens, start = self.tokens, self.start
        if self.opens:
            tokens, start = tokens[self.opens[-1].place + 1 :], self.opens[-1].start + 1
        if not self.clean or self.state <= _OPERATED or not tokens:
            return Side(start, max(start, self.end), None, ())
        key = tuple(tokens)
        value = evaluate(key)
        if not self.sides:
            of_unit = self.state == _UNIT and (is_bare(key) or is_part(key))  # "2 hours = 2 * 60 minutes", "1/2 cup = 4 ounces"
            if of_unit or (self.worded and is_bare(key)):  # "box 1 = 5 + 3"
                value = None
        return Side(start, self.end, value, key)

    def finish(self, closed: bool = False) -> None:
        """End the chain."""
        if self.sides:
            if self.opens:
                self.clean = False
            self.sides.append(self.side())
            if closed or not self.inside:
                self.chains.append(Chain(tuple(self.sides), "".join(self.relations), self.named))
            self.sides, self.relations, self.named, self.inside = [], [], None, False

    def number(self, token: str, start: int, end: int) -> None:
        if self.state >= _OPERAND:
            if self.state == _OPERAND or self.measure:
                self.clean = False
            clean = self.state == _UNIT and not (self.measure or self.joins)
            self.finish()
            self.begin(clean)
        if not self.tokens:
            self.start = start
        if not token.isdecimal() or len(token) > MAX_RUN:
            literal = number_of_token(token)
            self.clean = self.clean and literal is not None
            token = literal or "0"
        elif not self.sides and len(token) >= 3 and (token[0] == "0" or (not self.tokens and ends_split(self.text, start))):
            self.clean = False  # a clock's 0930, the end of "14, 400"
        self.tokens.append(token)
        self.end = end
        self.state = _OPERAND

    def words(self, token: str, start: int, end: int) -> None:
        if self.state == _OPERAND:
            self.after_number(token, start, end)
        elif self.state == _UNIT or not (self.sides or self.state == _OPERATED):
            self.prose(token, start)
        else:
            self.between(token, start)

    def between(self, token: str, start: int) -> None:
        """Take words behind an operator or a relation."""
        words = ahead(token)
        if words.about and self.relations:
            self.relations[-1] = "≈"
        if words.multiplier:
            self.multiply(words.multiplier, start)
        elif self.tokens and self.tokens[-1] == "/" and is_measure(token) and behind(token).unit:  # $25 / day
            self.tokens.pop()
            self.state = _UNIT
        elif not words.filler:
            self.clean = False

    def prose(self, token: str, start: int) -> None:
        """Take words that are no part of an equation; what they say of the number behind them stands."""
        words = ahead(token)
        if self.sides or self.state:
            self.finish()
            self.begin(True)
        self.clean = not words.changes
        self.worded = True
        self.signable = False
        self.led = words.leads
        if words.multiplier:
            self.multiply(words.multiplier, start)

    def multiply(self, tokens: tuple[str, ...], start: int) -> None:
        """Take words that stand for a factor, such as "half of"."""
        if not self.tokens:
            self.start = start
        self.tokens += tokens
        self.state = _OPERATED

    def after_number(self, token: str, start: int, end: int) -> None:
        """Take words behind a number: its unit, an operator, a relation, or prose."""
        words = behind(token)
        follows = words.link and words.unit and OPERAND_AHEAD.match(self.text, end)
        if start == self.end and token[0] not in "-/" and token.isascii() and not attached_unit(token):
            times = follows and words.link == "*" and not follows[1] and self.text[end] != "("  # 3x5, but not 3x(5), 3x-5, 0x5
            if not times or self.tokens[-1] == "0":
                self.clean = False
        if words.link in _POSTFIXES and not words.named:
            self.tokens.extend(words.link)
            self.end = end
        elif follows:
            self.link(words, token, start)
        elif words.changes or (words.partitive and not self.sides) or token[-2:] in _VARIABLE:
            self.clean = False
            self.prose(token, start)
            self.clean = self.clean and not words.joins
        elif words.unit and not words.link and not ahead(token).multiplier:
            self.state = _UNIT
            self.measure = words.measure and goes_on(self.text, end)
            self.joins = words.joins
        else:
            whole = self.tokens[-2:-1] == ["/"] or AND_PART.match(self.text, start) is None  # not 1 and 1/4
            self.clean = self.clean and whole
            self.prose(token, start)
            self.clean = self.clean and whole

    def link(self, words: Behind, token: str, start: int) -> None:
        """Take words that join two numbers."""
        if words.link in "+-*/":
            self.tokens.append(words.link)
            self.state = _OPERATED
        elif words.link == "% of":
            self.tokens += ("%", "of")
            self.state = _OPERATED
        elif words.link == "of":
            part = self.tokens[-1] == "%" or "/" in self.tokens[-2:-1]
            if words.named or not part:
                self.clean = False
            self.tokens.append("of")
            self.state = _OPERATED
        elif self.led and (words.link == "half=" or not (is_bare(self.tokens) or is_part(self.tokens) or self.hyphens())):
            if words.link == "half=":
                self.tokens += ("of", "1", "/", "2")
            self.relation("≈" if words.link == "≈" else "=", start, start)
        else:
            self.prose(token, start)

    def hyphens(self) -> bool:
        """Say whether only hyphens join the numbers: 30-60-90."""
        signs = {token for token in self.tokens if token in SIGNS}
        return signs == {"-"} and " -" not in self.text[self.start : self.end]

    def operator(self, token: str, start: int, end: int) -> None:
        if self.state >= _OPERAND:
            self.tokens.append("^" if token == "**" else token)
            self.state = _OPERATED
        elif self.state == _FRESH and self.signable and self.text[end : end + 1] in " \t":
            pass  # a bullet
        elif token in "+-" and (token, self.state) != ("+", _OPERATED) and (self.state or self.sides or self.signable):
            if not self.tokens:
                self.start = start
            self.tokens.append(token)
            self.state = _OPERATED
        else:
            self.clean = False

    def relation(self, token: str, start: int, end: int) -> None:
        if token[-1] == "~":
            token = "≈"
        elif token not in "=≈":
            self.stop(token, start, end)
            return
        side = self.side()
        if self.opens:
            self.sides, self.relations, self.named, self.inside = [], [], None, True
        if not self.sides and side.value is None:
            self.named = start
        self.sides.append(side)
        self.relations.append(token)
        self.begin(True)

    def opening(self, token: str, start: int, end: int) -> None:
        saved = self.clean
        aside = _ASIDE.match(self.text, end)
        if self.state == _OPERAND and start == self.end and not (aside and aside[1]):
            pass  # 3(4), but not 7(个)
        elif self.state >= _OPERAND:
            self.clean = self.clean and (self.state == _UNIT or aside is not None)  # not 5 (3 + 2), which may be a product
            self.finish()
            self.begin(True)
            saved = False
        elif self.worded and self.text[start - 1 : start].isalpha():  # f(3)
            saved = False
        if not self.tokens:
            self.start = start
        self.opens.append(_Open(len(self.tokens), start, saved))
        self.tokens.append("(")
        self.clean = True
        self.state = _OPENED

    def closing(self, token: str, start: int, end: int) -> None:
        if not self.opens:
            self.finish(closed=True)
            self.begin(False)
            return
        if self.state <= _OPERATED:
            self.clean = False
        self.clean = self.opens.pop().clean and self.clean
        self.tokens.append(")")
        self.end = end
        self.state = _OPERAND

    def postfix(self, token: str, start: int, end: int) -> None:
        if self.state == _OPERAND:
            self.tokens.extend(POWERS.get(token, token[-1]))
            self.end = end
        elif self.state != _UNIT or token not in POWERS:  # cm²
            self.clean = False

    def stop(self, token: str, start: int, end: int) -> None:
        if self.sides or self.state or not self.clean or self.worded:
            dangling = self.state == _OPERATED and self.tokens[-1] != "of"
            clean = not (dangling or breaks_number(self.text, start, end) or (token == "!" and self.end == start))
            self.clean = self.clean and clean
            self.finish()
            self.begin(clean)
        self.signable = token in ",:;\n，、"

    def group(self, token: str, start: int, end: int) -> None:
        r"""Take the content of \text{…}."""
        if token.replace(" ", "").isalpha():
            self.words(token, start, end)
        elif token.strip():
            self.other(token, start, end)

    def command(self, token: str, start: int, end: int) -> None:
        role = COMMANDS.get(token)
        if role is None:
            if token in STOPS:
                self.stop(token, start, end)
            elif token[1:].isalpha() and token not in IGNORED:
                self.other(token, start, end)
        elif role == "≈":
            self.relation(role, start, end)
        elif len(role) == 1:
            self.operator(role, start, end)
        else:
            if self.state == _UNIT:
                self.finish()
                self.begin(False)
            if not self.tokens:
                self.start = start
            self.tokens.append(role)
            self.state = _OPERATED

    def other(self, token: str, start: int, end: int) -> None:
        self.clean = False
        if self.state >= _OPERAND:
            self.finish()
            self.begin(False)
        self.worded = True
