"""Formal proofs: one protocol, a prover a language.  A prover is a helper process; nothing of a proof runs in the worker."""

from filters.provers.backends import COQ, LEAN, Z3
from filters.provers.process import ProcessProver
from filters.provers.protocol import SECONDS, ProofError, Prover, Reply, Request

__all__ = ["PROVERS", "ProofError", "Prover", "Reply", "Request", "prove"]

PROVERS: dict[str, ProcessProver] = {"coq": COQ, "z3": Z3, "lean": LEAN}


def prove(prover: str, header: str, statement: str, proof: str, seconds: float = SECONDS) -> Reply:
    """Return what a prover of the table says of a proof: with errors and their places, open goals, assumptions.

    `seconds` is CPU time of the prover.  Raises KeyError for a name that is not in the table.
    """
    return PROVERS[prover].prove(Request(header=header, statement=statement, proof=proof, seconds=seconds))
