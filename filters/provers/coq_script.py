"""Coq's sentences, and which of them a proof may consist of.

A proof is tactics; what it may have around them is decided by what is allowed, sentence by sentence, before anything runs.
Comments are blanked and all space is made plain, each character in its place, so that Coq reads the sentences that were read here.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from filters.provers.protocol import Reason

_SPACE = re.compile(r"\s")
_SPECIAL = re.compile(r'"|\(\*|\*\)')
_BULLET = re.compile(r"-+|\++|\*+|(?:(?:[0-9]+|\[\s*[\w']+\s*\])\s*:\s*)?\{|\}")
_END_OR_STRING = re.compile(r'"|(?<!\.)\.++(?=\s|\Z)')
_SELECTOR = re.compile(r"(?:all|par|!|[0-9][0-9, -]*+|\[\s*[\w']+\s*\])\s*:(?![:=])\s*")
_WORD = re.compile(r"[^\W\d][\w']*")
_THEOREM = re.compile(r"(?:Theorem|Lemma|Fact|Remark|Corollary|Proposition|Property)\s+([^\W\d][\w']*)")
_PREAMBLE = re.compile(
    r"(?:From\s+[\w.]+\s+)?Require(?:\s+(?:Import|Export))?(?:\s+[\w.]+)+|(?:Import|Export)(?:\s+[\w.]+)+|(?:Local\s+)?Open\s+Scope\s+\w+"
)
_START = re.compile(r"Proof(?:\s+(?:with|using)\s.*)?", re.DOTALL)
_TIME = re.compile(r"Time\s+")
_QUERY = re.compile(r"(?:About|Check|Compute|Eval|Locate|Print|Search|SearchPattern|SearchRewrite|Show)\b")
_IN_PROOF = re.compile(r"(?:Proof|Qed|Defined|Unshelve|Admitted)\b|[^A-Z#]")
_FORBIDDEN = frozenset(
    "Axiom Axioms Parameter Parameters Hypothesis Hypotheses Variable Variables Conjecture Conjectures Primitive Symbol "
    "Declare Redirect Extraction Recursive Separate Load Cd Drop Quit Add Unset Rewrite Register".split()
)
_CONTROL = r"(?:#\[[^\]]*\]\s*)*(?:(?:Time|Instructions|Fail|Succeed|Timeout\s+[0-9]+)\s+)*"
_UNSAFE_IN_HEADER = re.compile(
    _CONTROL + r"(?:(?:Load|Redirect|Drop|Quit|Cd|Reset|Back|BackTo|Restart)\b|(?:(?:Recursive|Separate)\s+)?Extraction\b"
    r'|Declare\s+ML\b|Add\s+(?:Rec\s+)?(?:LoadPath|ML)\b|(?:From\s+[\w.]+\s+)?Require[^"]*")'
)


class Sentence(NamedTuple):
    """A sentence with its full stop, or a bullet or brace."""

    text: str  # one line
    start: int  # of its first character in the source

    @property
    def words(self) -> str:
        """The sentence with single spaces."""
        return " ".join(self.text.split())


class Script(NamedTuple):
    """What is to be run.  The statement is opened before the step `opened` where the text does not open a theorem itself."""

    steps: tuple[Sentence, ...]
    imports: bool  # whether it brings in libraries of its own
    opened: int | None
    theorems: tuple[tuple[str, int], ...]  # the text's own: name and start


class Refused(Exception):
    """The text is not run.  `reason` says why, `offset` where."""

    def __init__(self, reason: Reason, offset: int, message: str) -> None:
        super().__init__(message)
        self.reason, self.offset, self.message = reason, offset, message


def sentences(source: str) -> list[Sentence]:
    """Return the sentences of a text.  Raises Refused where it has none of Coq's lexical structure."""
    text = _blanked(source)
    found: list[Sentence] = []
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        bullet = _BULLET.match(text, position)
        end = bullet.end() if bullet else _sentence_end(text, position)
        found.append(Sentence(text[position:end], position))
        position = end
    return found


def term(source: str) -> str:
    """Return a text as one line that ends no sentence.  Raises Refused where it is empty or does."""
    text = _blanked(source)
    if not text.strip():
        raise Refused("gold_unreadable", 0, "the statement is empty")
    if any(match[0][0] == "." for match in _ends(text, 0)):
        raise Refused("gold_unreadable", 0, "the statement is more than one term")
    return text


def header_sentences(source: str) -> list[Sentence]:
    """Return the header's sentences.  Raises Refused where one reaches for files or for Coq's own state."""
    found = sentences(source)
    for sentence in found:
        if _UNSAFE_IN_HEADER.match(sentence.text):
            raise Refused("gold_unreadable", sentence.start, "a header does not do this")
        if sentence.text[-1] != "." and not _BULLET.fullmatch(sentence.text):
            raise Refused("gold_unreadable", sentence.start, "the sentence does not end")  # and Coq would wait for its end
    return found


def read_script(source: str, header: frozenset[str]) -> Script:
    """Return what of a proof is to be run; `header` are the header's sentences, which a text may repeat.  Raises Refused."""
    reader = _Reader(header)
    for sentence in sentences(source):
        reader.read(sentence)
    if reader.opened is None and not reader.theorems:
        raise Refused("no_proof", 0, "there is no step")
    if reader.in_proof:
        reader.steps.append(Sentence("Qed.", len(source.rstrip())))
    return Script(tuple(reader.steps), reader.imports, reader.opened, tuple(reader.theorems))


class _Reader:
    """Follows a text in and out of proofs."""

    def __init__(self, header: frozenset[str]) -> None:
        self.header = header
        self.steps: list[Sentence] = []
        self.imports = False
        self.opened: int | None = None
        self.theorems: list[tuple[str, int]] = []
        self.in_proof = False
        self._repeats = False  # within a proof that the header has

    def read(self, sentence: Sentence) -> None:
        if timed := _TIME.match(sentence.text):
            sentence = Sentence(sentence.text[timed.end() :], sentence.start + timed.end())
        if _QUERY.match(sentence.text):  # it changes nothing, so it need not run
            return
        if self._repeats or (not self.in_proof and sentence.words in self.header and not _IN_PROOF.match(sentence.text)):
            self._repeat(sentence)
        elif self.in_proof:
            self._tactic(sentence)
        elif self.opened is not None:  # after the proof of the statement
            raise self._refused(sentence, sentence.text)
        elif opening := _THEOREM.match(sentence.text):
            self.theorems.append((opening[1], sentence.start))
            self.in_proof = True
            self.steps.append(sentence)
        elif _PREAMBLE.fullmatch(sentence.text[:-1].rstrip()) and "Ltac2" not in sentence.text:
            self.imports = True
            self.steps.append(sentence)
        elif not self.theorems:  # a proof of the statement as it was given
            self.opened, self.in_proof = len(self.steps), True
            self._tactic(sentence)
        else:
            raise self._refused(sentence, sentence.text)

    def _repeat(self, sentence: Sentence) -> None:
        """Pass over what the header has: a sentence, or a whole proof."""
        if self._repeats and sentence.words not in self.header:
            raise Refused("unsupported_command", sentence.start, "the header proves this otherwise")
        if _THEOREM.match(sentence.text):
            self._repeats = True
        elif sentence.words in ("Qed.", "Defined.", "Admitted."):
            self._repeats = False

    def _tactic(self, sentence: Sentence) -> None:
        text = sentence.text
        if _BULLET.fullmatch(text):
            self.steps.append(sentence)
            return
        if text[-1] != ".":
            raise Refused("not_proved", sentence.start + len(text), "the sentence does not end")
        selector = _SELECTOR.match(text)
        if selector and selector[0].startswith("par"):  # the same without processes of its own
            text = "all" + text[3:]
        rest = text[selector.end() if selector else 0 :]
        word = _WORD.match(rest)
        if word is None:
            if rest.startswith("#"):
                raise self._refused(sentence, rest)
        elif not word[0][0].islower() and word[0][0] != "_":
            self._command(sentence, rest[:-1].rstrip(), selector is not None)
        self.steps.append(sentence._replace(text=text))

    def _command(self, sentence: Sentence, rest: str, selected: bool) -> None:
        """Let through the few commands that a proof needs.  Raises Refused."""
        if rest == "Unshelve" or (_START.fullmatch(rest) and not selected):
            return
        if selected or not (rest in ("Qed", "Defined") or rest.startswith("Proof ")):  # `Proof` with a term is a whole proof
            raise self._refused(sentence, rest)
        self.in_proof = False

    def _refused(self, sentence: Sentence, rest: str) -> Refused:
        """Return why a sentence is not run; `rest` is what follows its selector."""
        words = _WORD.findall(rest)
        first = words[0] if words else ""
        if first == "Admitted":
            return Refused("admitted", sentence.start, "a proof does not end with Admitted")
        if first in _FORBIDDEN or "bypass_check" in words or "ML" in words or "Axiom" in words:
            return Refused("forbidden_command", sentence.start, f"no proof needs {first}")
        return Refused("unsupported_command", sentence.start, f"{first or sentence.text[:20]} is not allowed here")


def _blanked(source: str) -> str:
    """Return the text with comments blanked and spaces plain, character for character.  Raises Refused."""
    pieces: list[str] = []
    position = depth = opened = 0
    for token, start, end in _tokens(source):
        if depth == 0:
            pieces.append(source[position:start])
            position = start
        if token == "(*":
            depth, opened = depth + 1, opened if depth else start
        inside = depth > 0
        if token == "*)" and inside:
            depth -= 1
        pieces.append(" " * (end - position) if inside else source[start:end])
        position = end
    if depth:
        raise Refused("not_proved", opened, "the comment does not end")
    pieces.append(source[position:])
    text = _SPACE.sub(" ", "".join(pieces))
    for place, character in enumerate(text):
        if not character.isprintable():  # controls, marks without width, halves of pairs: Coq has no such signs either
            raise Refused("not_proved", place, "a character that no proof has")
    return text


def _tokens(source: str) -> Iterator[tuple[str, int, int]]:
    """Yield strings and the marks of comments: what was found, its start and its end.  Strings count within comments too."""
    position = 0
    while match := _SPECIAL.search(source, position):
        position = _string_end(source, match.start()) if match[0] == '"' else match.end()
        yield match[0], match.start(), position


def _string_end(text: str, start: int) -> int:
    end = text.find('"', start + 1)  # a doubled quote ends one string and begins the next: to the same end
    if end < 0:
        raise Refused("not_proved", start, "the string does not end")
    return end + 1


def _ends(text: str, position: int) -> Iterator[re.Match[str]]:
    """Yield the runs of dots that end a sentence: one or three, before a space or the end, in no string."""
    while match := _END_OR_STRING.search(text, position):
        if match[0] == '"':
            position = _string_end(text, match.start())
        else:
            position = match.end()
            if len(match[0]) in (1, 3):
                yield match


def _sentence_end(text: str, position: int) -> int:
    match = next(_ends(text, position), None)
    return match.end() if match else len(text.rstrip())
