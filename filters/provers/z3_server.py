"""The z3 backend's process: a claim holds if the premises and its negation have no model.

The proof's lemmas must hold as well, each from the premises and those before it; they are there to help with what z3 cannot see.
"""

import time
from typing import Any

import z3

from filters.provers.claims import NAME_MARK, read_claim
from filters.provers.protocol import WALL_FACTOR, Part, ProofError, Reply, Request, error_at
from filters.provers.serving import serve
from filters.provers.smtlib import Claim, Unreadable, read_smtlib

MEMORY_BYTES = 3 << 30
Z3_MEGABYTES = 1024  # z3's own limit, which it keeps without dying
STEPS_PER_SECOND = 1_000_000  # of z3's own count, the same on every machine; it does 0.2 to 9 million a second (measured)
MAX_VALUES = 16  # of a counterexample that are told


class Z3:
    """Decides claims.  Every request has a context of its own."""

    def prove(self, request: Request) -> Reply:
        """Return the verdict."""
        try:
            claim = _read(request)
            decision = _Decision(claim, request)
            return decision.reply()
        except Unreadable as unreadable:
            text = {"proof": request.proof, "statement": request.statement, "header": request.header}[unreadable.part]
            error = error_at(text, unreadable.offset, unreadable.message, unreadable.part)
            return Reply(reason="not_proved" if unreadable.part == "proof" else "gold_unreadable", errors=(error,))
        except z3.Z3Exception as error:  # memory, as a rule; what cannot be parsed is told apart before
            return Reply(reason="resources", errors=(ProofError(1, 1, str(error)),))


class _Decision:
    def __init__(self, claim: Claim, request: Request) -> None:
        self._claim, self._request = claim, request
        self._end = time.monotonic() + WALL_FACTOR * request.seconds
        self._context = z3.Context()
        terms = _parsed(claim, (*claim.premises, claim.statement, *(lemma.term for lemma in claim.lemmas)), self._context)
        if terms is None:
            raise self._culprit()
        count = len(claim.premises)
        self._known, self._statement, self._lemmas = terms[:count], terms[count], terms[count + 1 :]

    def reply(self) -> Reply:
        """Decide the premises, the lemmas in order, then the statement from all of them."""
        if self._known and self._solved(self._known)[0] == z3.unsat:
            return Reply(reason="gold_unreadable", errors=(ProofError(1, 1, "the premises contradict each other", "header"),))
        for lemma, term in zip(self._claim.lemmas, self._lemmas, strict=True):
            refused = self._refused(term, error_at(self._request.proof, lemma.offset, "the lemma"))
            if refused:
                return refused
            self._known.append(term)
        return self._refused(self._statement, ProofError(1, 1, "the statement", "statement")) or Reply(reason="proved")

    def _refused(self, term: Any, place: ProofError) -> Reply | None:
        """Return why a term does not follow from what is known, None where it does."""
        verdict, told = self._solved([*self._known, z3.Not(term)])
        if verdict == z3.unsat:
            return None
        if verdict == z3.sat:
            fails = f"{place.message} has a counterexample" + (f": {told}" if told else "")
            error = ProofError(place.line, place.column, fails, place.part)
            return Reply(reason="not_proved", errors=(error,))
        error = ProofError(place.line, place.column, f"{place.message} is not decided: {told}", place.part)
        out_of_time = any(word in told for word in ("timeout", "canceled", "limit"))
        return Reply(reason="timeout" if out_of_time else "unknown", errors=(error,))

    def _solved(self, terms: list[Any]) -> tuple[Any, str]:
        """Return z3's answer, and the values of a model or the reason of an unknown."""
        left = self._end - time.monotonic()
        if left <= 0:
            return z3.unknown, "timeout"
        solver = z3.Solver(ctx=self._context)
        solver.set("timeout", int(left * 1000) + 1)
        solver.set("rlimit", int(self._request.seconds * STEPS_PER_SECOND))
        solver.add(*terms)
        verdict = solver.check()
        if verdict == z3.sat:
            return verdict, _values(solver.model())
        return verdict, solver.reason_unknown() if verdict == z3.unknown else ""

    def _culprit(self) -> Unreadable:
        """Return where the first term is that z3 does not take."""
        claim = self._claim
        terms: list[tuple[Part, int, str]] = [("header", 0, premise) for premise in claim.premises]
        terms = [("header", 0, "true"), *terms, ("statement", 0, claim.statement)]
        terms += [("proof", lemma.offset, lemma.term) for lemma in claim.lemmas]
        for part, offset, term in terms:
            try:
                z3.parse_smt2_string(_text(claim, (term,)), ctx=z3.Context())
            except z3.Z3Exception as error:
                return Unreadable(part, offset, _message(error))
        return Unreadable("header", 0, "z3 does not read it")


def _read(request: Request) -> Claim:
    """Return the claim, in SMT-LIB where the header is, else as one writes it."""
    texts = (request.header, request.statement, request.proof)
    if request.header.lstrip().startswith(("(", ";")):
        return read_smtlib(*texts)
    try:
        return read_claim(*texts)
    except Unreadable as unreadable:
        if request.header.strip() or unreadable.part == "proof" or not request.statement.lstrip().startswith("("):
            raise
    return read_smtlib(*texts)


def _text(claim: Claim, terms: tuple[str, ...]) -> str:
    return "\n".join((claim.declarations, *(f"(assert {term})" for term in terms)))


def _parsed(claim: Claim, terms: tuple[str, ...], context: Any) -> list[Any] | None:
    """Return z3's terms, None where it takes one of them not."""
    try:
        found = list(z3.parse_smt2_string(_text(claim, terms), ctx=context))
    except z3.Z3Exception:
        return None
    return found if len(found) == len(terms) else None


def _values(model: Any) -> str:
    constants = sorted((d.name(), model[d].sexpr()) for d in model.decls() if d.arity() == 0)
    told = [f"{name.removeprefix(NAME_MARK)} = {value}" for name, value in constants if "!" not in name]
    return ", ".join(told[:MAX_VALUES])


def _message(error: Any) -> str:
    value = error.value
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.strip().removeprefix('(error "').removesuffix('")').partition(": ")[2] or text


if __name__ == "__main__":
    z3.set_param("memory_max_size", Z3_MEGABYTES)
    serve(Z3().prove, MEMORY_BYTES)
