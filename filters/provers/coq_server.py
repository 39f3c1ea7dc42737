"""The Coq backend's process: runs proofs in a warm coqtop, and lets only Coq's kernel say that one holds.

A header is imported once; each proof starts from the state after it.  The statement is defined there first, before a line of the
proof is read.  What the proof ends with must be a theorem of that very term, and rest on no axiom that the header did not bring.
"""

import collections
import os
import re

from filters.provers.coq_script import Refused, Script, header_sentences, read_script, term
from filters.provers.coqtop import Clock, Coqtop, Gone, TimedOut
from filters.provers.protocol import ProofError, Reason, Reply, Request, error_at, failed
from filters.provers.serving import serve

MEMORY_BYTES = 3 << 30  # of address space; Lia, Reals and Psatz together take 1.2 GiB (measured)
HEADER_SECONDS = 60.0  # Lia takes 0.2 s of CPU time from a warm disk and 5 s on a busy machine (measured)
HEADERS = 2  # that are kept warm; each takes 150 to 650 MB
PROOFS = 1000  # after which a coqtop is replaced: its memory grows
STATEMENT, THEOREM, SEAL = "starbeam_statement", "starbeam_theorem", "starbeam_seal"

_OPEN = re.compile(r"incomplete proof|shelved|unresolved existential|remaining open goals")
_EXHAUSTED = re.compile(r"(?:Out of memory|Stack overflow|Native compiler)\b")
_GOALS = re.compile(
    r"^(?:[0-9]+ (?:focused )?(?:sub)?goals?\b.*|(?:sub)?goal [0-9]+\b.*|(?:No more|All the remaining) goals.*|You need to.*"
    r"|This subproof is complete.*|Focus next goal.*)$",
    re.MULTILINE,
)
_ASSUMPTION = re.compile(r"^(?![ \t:])(?!(?:Axioms|Section Variables|Theory):$)(.+?)(?: :.*)?$", re.MULTILINE)
_NAME = re.compile(r"[\w'.]+")
_ORIGIN = re.compile(r"^Expands to:\s+(\w+)\s+(\S+)$", re.MULTILINE)


class GoldUnreadable(Exception):
    """Header or statement do not stand by themselves.  `error` says where."""

    def __init__(self, error: ProofError) -> None:
        super().__init__(error.message)
        self.error = error


class Wrong(Exception):
    """The proof does not hold."""

    def __init__(self, reason: Reason, offset: int, message: str, goals: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reason, self.offset, self.message, self.goals = reason, offset, message, goals


class Header:
    """A coqtop in the state after one header."""

    def __init__(self, program: str, source: str) -> None:
        try:
            sentences = header_sentences(source)
        except Refused as refused:
            raise GoldUnreadable(error_at(source, refused.offset, refused.message, "header")) from refused
        self.sentences = frozenset(sentence.words for sentence in sentences)
        self.left = PROOFS
        self.top = Coqtop(program, Clock(HEADER_SECONDS))
        self.top.run("Set Silent.")
        for sentence in sentences:
            failure = self.top.run(sentence.text, trusted=True)
            if failure:
                self.top.kill()
                raise GoldUnreadable(error_at(source, sentence.start + failure.offset, failure.message, "header"))
        if self.top.proving:
            self.top.kill()
            raise GoldUnreadable(error_at(source, len(source), "a proof is not closed", "header"))
        self.state = self.top.state


class Attempt:
    """One proof, from the state after the header.  Raises Wrong, GoldUnreadable, TimedOut and Gone."""

    def __init__(self, header: Header, request: Request, script: Script) -> None:
        self.top, self.base, self.request, self.script = header.top, header.state, request, script
        self.offset = 0  # in the proof, of the sentence that runs
        self.top.clock = Clock(request.seconds)

    def assumptions(self) -> tuple[str, ...]:
        """Run it; return the axioms that it rests on."""
        self._state()
        for index, step in enumerate(self.script.steps):
            if index == self.script.opened:
                self._opened()
            self.offset = step.start
            failure = self.top.run(step.text)
            if failure:
                raise self._wrong(step.words, step.start + failure.offset, failure.message)
        self._seal()
        names = _assumed(self.top.ask(f"Print Assumptions {SEAL}."))
        self._come_from_header(names)
        return names

    def _state(self) -> None:
        """Give the statement a name, in the scope of the header alone."""
        statement = self.request.statement
        try:
            sentence = f"Definition {STATEMENT} : Type := {term(statement)}."
        except Refused as refused:
            raise GoldUnreadable(error_at(statement, refused.offset, refused.message, "statement")) from refused
        failure = self.top.run(sentence)
        if failure:
            offset = max(0, failure.offset - sentence.index(":=") - 3)
            raise GoldUnreadable(error_at(statement, min(offset, len(statement)), failure.message, "statement"))

    def _opened(self) -> None:
        failure = self.top.run(f"Theorem {THEOREM} : {term(self.request.statement)}.")
        if failure:  # what the text has imported changes its meaning
            raise Wrong("unknown", 0, failure.message)

    def _seal(self) -> None:
        """Let the kernel check that a theorem is of the statement, which must be the same term, not one that computes to it."""
        theorems = self.script.theorems or ((THEOREM, 0),)
        self.offset = theorems[-1][1]
        self.top.run(f"Lemma {SEAL} : {STATEMENT}.")
        statement = f"let S := eval cbv delta [{STATEMENT}] in {STATEMENT} in"
        for name, _ in reversed(theorems):  # as a rule the last
            failure = self.top.run(f"{statement} let T := type of @{name} in constr_eq T S; exact (@{name}).")
            if failure is None:
                break
        if self.top.run("Qed."):
            # Of the statement's own text imports before it can have made another statement.
            reason: Reason = "statement_changed" if self.script.theorems else "unknown"
            raise Wrong(reason, self.offset, f"{theorems[-1][0]} is not of the statement that was given")

    def _come_from_header(self, names: tuple[str, ...]) -> None:
        """See that each axiom is there without the proof.  Raises Wrong.

        Of a name that is also a notation's Coq tells no origin.  It is the header's where the proof imports nothing.
        """
        if not names:
            return
        origins = {name: self._origin(name) for name in names}
        self.top.back_to(self.base)
        for name, origin in origins.items():
            known = self._origin(origin[1]) == origin if origin else bool(_NAME.fullmatch(name)) and not self.script.imports
            if not known:
                raise Wrong("assumptions", self.offset, f"it rests on {name}")

    def _origin(self, name: str) -> tuple[str, ...]:
        """Return the kind and the full name of what a name stands for."""
        found = _ORIGIN.search(self.top.ask(f"About {name}.")) if _NAME.fullmatch(name) else None
        return found.groups() if found else ()

    def _wrong(self, words: str, offset: int, message: str) -> Wrong:
        reason: Reason = "not_proved"
        if _EXHAUSTED.match(message):
            reason = "resources"
        elif words in ("Qed.", "Defined."):
            if "given up" in message:
                reason = "admitted"
            elif _OPEN.search(message):
                reason = "open_goals"
        goals = self.top.ask("Show.") if self.top.proving else ""
        return Wrong(reason, offset, message, tuple(filter(None, map(_dedented, _GOALS.split(goals)))))


class Coq:
    """The warm coqtops, by header."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._headers: collections.OrderedDict[str, Header] = collections.OrderedDict()

    def prove(self, request: Request) -> Reply:
        """Return the verdict."""
        try:
            header = self._header(request.header)
        except GoldUnreadable as unreadable:
            return Reply(reason="gold_unreadable", errors=(unreadable.error,))
        except (TimedOut, Gone) as trouble:
            return failed("prover_failed", request.header, 0, f"the header: {trouble}", "header")
        try:
            script = read_script(request.proof, header.sentences)
        except Refused as refused:
            return failed(refused.reason, request.proof, refused.offset, refused.message)
        return self._attempt(header, request, script)

    def _attempt(self, header: Header, request: Request, script: Script) -> Reply:
        attempt = Attempt(header, request, script)
        try:
            reply = self._judged(attempt)
            header.left -= 1
            header.top.clock = Clock(HEADER_SECONDS)
            header.top.back_to(header.state)
            if header.left > 0:
                return reply
        except TimedOut:
            reply = failed("timeout", request.proof, attempt.offset, f"it is not done after {request.seconds:g} seconds")
        except Gone as gone:
            reply = failed("resources", request.proof, attempt.offset, f"coqtop is gone: {gone}")
        self._headers.pop(request.header).top.kill()
        return reply

    def _judged(self, attempt: Attempt) -> Reply:
        proof = attempt.request.proof
        try:
            return Reply(reason="proved", assumptions=attempt.assumptions())
        except Wrong as wrong:
            place = error_at(proof, min(wrong.offset, len(proof)), wrong.message)
            return Reply(reason=wrong.reason, errors=(place,), open_goals=wrong.goals)
        except GoldUnreadable as unreadable:
            return Reply(reason="gold_unreadable", errors=(unreadable.error,))

    def _header(self, source: str) -> Header:
        header = self._headers.get(source)
        if header is None:
            while len(self._headers) >= HEADERS:
                self._headers.popitem(last=False)[1].top.kill()
            header = self._headers[source] = Header(self._program, source)
        self._headers.move_to_end(source)
        return header


def _assumed(report: str) -> tuple[str, ...]:
    """Return the names in the report of Print Assumptions; its every line that is not understood is a name too."""
    if report == "Closed under the global context":
        return ()
    return tuple(match[1] for match in _ASSUMPTION.finditer(report)) or (report or "an unknown assumption",)


def _dedented(goal: str) -> str:
    goal = re.sub(r" \(ID [0-9]+\)", "", goal).strip("\n ")
    return re.sub(r"^ {1,2}", "", goal, flags=re.MULTILINE)


if __name__ == "__main__":
    serve(Coq(os.environ["COQTOP"]).prove, MEMORY_BYTES)
