"""Formal proofs, decided by the prover that the problem names."""

import dataclasses
import functools
import json
import re
from typing import Any

from filters.extraction import MAX_ANSWER_CHARS, final_section
from filters.provers import PROVERS, Request
from filters.provers.protocol import SECONDS, Reason
from filters.sandbox import bubblewrap
from schemas.annotation import Status, Verdict
from schemas.problem import Problem

# What is not named here says that the proof does not hold.
_STATUS: dict[Reason, Status] = {
    "proved": "correct",
    **dict.fromkeys(("unsupported_command", "too_long", "timeout", "resources", "unknown"), "unsure"),
    **dict.fromkeys(("gold_unreadable", "prover_missing", "prover_failed"), "error"),
}
_FENCE = re.compile(r"[ \t]{0,3}(```+|~~~+)[ \t]*([\w+-]*)[^\n]*")
_LANGUAGES = frozenset(("", "coq", "rocq", "gallina", "lean", "lean4", "smt", "smt2", "smtlib", "z3", "text"))
_PROOF = re.compile(r"\bProof(?:\s+(?:with|using)\b[^.\n]{0,200})?\.(?=\s)")
_QED = "Qed."


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """Judges a proof of the statement in `tests`, a JSON object `{"prover", "header", "statement"}`; the prover is coq, z3 or lean.

    The proof is the last fenced block, else what stands from `Proof.` to the last `Qed.`, else the whole text after the thought.
    `seconds` is the prover's CPU time for it.  The verdict's checker ends in `+rlimits` where no sandbox stood around the prover.
    """

    name = "proof_v1"  # no annotation, so no field
    seconds: float = SECONDS

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the proof, cut to 4,096 characters."""
        gold = None if problem.tests is None else _gold(problem.tests)
        if gold is None:
            return Verdict("error", None, self.name, "gold_unreadable")
        section = final_section(response)
        proof = None if section is None else proof_text(section)
        if proof is None:
            return Verdict("incorrect", None, self.name, "no_answer")
        prover, header, statement = gold
        reply = PROVERS[prover].prove(Request(header=header, statement=statement, proof=proof, seconds=self.seconds))
        name = self.name if bubblewrap.available() else f"{self.name}+rlimits"
        return Verdict(_STATUS.get(reply.reason, "incorrect"), proof[:MAX_ANSWER_CHARS], name, reply.reason)


def proof_text(section: str) -> str | None:
    """Return the proof in the text after the thought, None where there is none."""
    block = _last_block(section)
    if block is not None:
        return block if block.strip() else None
    start, end = _PROOF.search(section), section.rfind(_QED)
    if start is not None and end > start.end():
        return section[start.start() : end + len(_QED)]
    return section if section.strip() else None


def _last_block(section: str) -> str | None:
    """Return the last fenced block of a prover's language or of none that is named; one that never closes goes to the end."""
    blocks: list[list[str]] = []
    fence, kept = "", False
    for line in section.split("\n"):
        match = _FENCE.match(line)
        if not fence and match:
            fence, kept = match[1], match[2].lower() in _LANGUAGES
            if kept:
                blocks.append([])
        elif fence and match and match[1].startswith(fence) and not match[2]:
            fence = ""
        elif fence and kept:
            blocks[-1].append(line)
    return "\n".join(blocks[-1]) if blocks else None


@functools.lru_cache(maxsize=1024)  # golds repeat for every sample of a problem
def _gold(tests: str) -> tuple[str, str, str] | None:
    """Return prover, header and statement, None where the tests do not name them."""
    try:
        fields: Any = json.loads(tests)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    prover, header, statement = fields.get("prover"), fields.get("header", ""), fields.get("statement")
    if not (isinstance(prover, str) and isinstance(header, str) and isinstance(statement, str)) or prover not in PROVERS:
        return None
    return prover, header, statement
