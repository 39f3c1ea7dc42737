"""Claims in SMT-LIB 2: declarations and premises as the header, one Boolean term as the statement, lemma terms as the proof."""

import re
from typing import NamedTuple

from filters.provers.protocol import Part

MAX_DEPTH = 256
MAX_LEMMAS = 64
_TOKEN = re.compile(
    r'\s*+(?:(?P<comment>;[^\n]*+)|(?P<open>\()|(?P<close>\))|(?P<atom>"(?:[^"]|"")*+"|\|[^|\\]*+\||[^\s()";|]++))?'
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_DECLARATIONS = frozenset(
    "declare-const declare-fun declare-sort declare-datatype declare-datatypes define-const define-fun define-fun-rec "
    "define-funs-rec define-sort".split()
)
_IGNORED = frozenset(("set-logic", "set-info"))


class Unreadable(Exception):
    """A part of a claim is not of its language.  `offset` counts characters of that part."""

    def __init__(self, part: Part, offset: int, message: str) -> None:
        super().__init__(message)
        self.part, self.offset, self.message = part, offset, message


class Lemma(NamedTuple):
    """A term to be shown on the way, and where it stands in the proof."""

    term: str
    offset: int


class Claim(NamedTuple):
    """What is to be decided, in SMT-LIB 2: whether the statement follows from the premises, for all values of what is declared."""

    declarations: str
    premises: tuple[str, ...]
    statement: str
    lemmas: tuple[Lemma, ...]


class _Expression(NamedTuple):
    text: str  # without comments, single spaces
    offset: int
    head: str  # of a list: its first word; of an atom: ""


def read_smtlib(header: str, statement: str, proof: str) -> Claim:
    """Return the claim.  Raises Unreadable."""
    declarations, premises = [], []
    for command in _expressions(header, "header"):
        if command.head == "assert":
            premises.append(command.text.removeprefix("( assert").removesuffix(")").strip())
        elif command.head in _DECLARATIONS:
            declarations.append(command.text)
        elif command.head not in _IGNORED:
            raise Unreadable(
                "header", command.offset, f"a header declares and asserts; this is {command.head or command.text[:20]}"
            )
    terms = _expressions(statement, "statement")
    if len(terms) != 1:
        raise Unreadable("statement", 0, f"a statement is one term, not {len(terms)}")
    lemmas = [Lemma(term.text, term.offset) for term in _expressions(proof, "proof")]
    if len(lemmas) > MAX_LEMMAS:
        raise Unreadable("proof", lemmas[MAX_LEMMAS].offset, f"there are more than {MAX_LEMMAS} lemmas")
    return Claim("\n".join(declarations), tuple(premises), terms[0].text, tuple(lemmas))


def _expressions(text: str, part: Part) -> list[_Expression]:
    """Return the expressions at the top, each balanced and built of known tokens only, so that nothing in them ends another."""
    if surrogate := _SURROGATE.search(text):
        raise Unreadable(part, surrogate.start(), "half of a character")
    found: list[_Expression] = []
    words: list[str] = []
    start = depth = position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = match.lastgroup if match else None
        if match is None or (kind is None and match.end() < len(text)):
            raise Unreadable(part, match.end() if match else position, "this is not SMT-LIB")
        position = match.end()
        if kind is None or kind == "comment":
            continue
        if not words:
            start = match.start(kind)
        words.append(match[kind])
        depth += (kind == "open") - (kind == "close")
        if not 0 <= depth <= MAX_DEPTH:
            raise Unreadable(part, match.start(kind), "the brackets do not match" if depth < 0 else "it is nested too deeply")
        if depth == 0:
            found.append(_Expression(" ".join(words), start, words[1] if len(words) > 1 else ""))
            words = []
    if words:
        raise Unreadable(part, start, "the bracket does not close")
    return found
