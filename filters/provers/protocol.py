"""What is asked of a prover and what it replies: one line of JSON each way, the same for every prover.

Request: `{"statement", "proof", "header", "seconds"}`.  Reply: `{"ok", "reason", "errors": [{"part", "line", "column", "message"}],
"open_goals": […], "assumptions": […]}`.  `header` is what stands before the statement (imports, definitions, premises); header and
statement are the problem's, the proof is whoever's.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal, Protocol, cast, get_args

Part = Literal["proof", "statement", "header"]
Reason = Literal[
    "proved",
    "not_proved",  # the prover refuses a step; or, of a claim, there is a counterexample
    "open_goals",  # every step holds, and something is left to prove
    "admitted",  # a part is asserted, not proved
    "assumptions",  # it rests on an axiom that the header does not bring
    "statement_changed",  # it proves something else
    "forbidden_command",  # it does what no proof needs: declares axioms, writes files, switches checks off
    "no_proof",  # there is no step at all
    "unsupported_command",  # it needs what is not allowed here, yet could be right: definitions, notations
    "too_long",
    "timeout",
    "resources",  # out of memory or stack, or the prover died of it
    "unknown",  # the prover cannot tell
    "gold_unreadable",  # header or statement does not stand by itself
    "prover_missing",
    "prover_failed",
]
REASONS: frozenset[str] = frozenset(get_args(Reason))
PARTS: frozenset[str] = frozenset(get_args(Part))

SECONDS = 10.0  # proofs of Coq's own library take milliseconds, with `lia` a third of a second in all (measured)
WALL_FACTOR = 6.0  # how much longer a proof may take on the wall: a machine that others share must not make it wrong
MAX_SECONDS = 3600.0
MAX_CHARS = 1 << 16  # of header, statement and proof each: the longest contexts of provers are of this order
MAX_ERRORS, MAX_GOALS, MAX_ASSUMPTIONS = 16, 16, 64  # what a reader, or a model that is given them, can use
MAX_MESSAGE_CHARS = 4096


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be proved, and how."""

    statement: str
    proof: str
    header: str = ""
    seconds: float = SECONDS  # of the prover's CPU time, for the proof alone

    def to_json(self) -> dict[str, Any]:
        """Return the request's line as an object."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Request":
        """Return the request of a line.  Raises ValueError where it is none."""
        texts = {name: fields.get(name, "") for name in ("statement", "proof", "header")}
        seconds = fields.get("seconds", SECONDS)
        if not all(isinstance(text, str) for text in texts.values()) or not isinstance(seconds, int | float):
            raise ValueError("a request has the texts statement, proof and header and the number seconds")
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"seconds={seconds} is not in (0, {MAX_SECONDS:g}]")
        return cls(**texts, seconds=float(seconds))


@dataclasses.dataclass(frozen=True, slots=True)
class ProofError:
    """What is wrong, and where.  Line and column count from 1, columns in Unicode code points."""

    line: int
    column: int
    message: str
    part: Part = "proof"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a prover says of a proof.  `ok` only where it holds, of this very statement, resting on nothing but the header."""

    reason: Reason
    errors: tuple[ProofError, ...] = ()
    open_goals: tuple[str, ...] = ()  # as they stood where the first error is, the prover's own notation
    assumptions: tuple[str, ...] = ()  # axioms and the like that the proof rests on

    @property
    def ok(self) -> bool:
        """Say whether the statement is proved."""
        return self.reason == "proved"

    def to_json(self) -> dict[str, Any]:
        """Return the reply's line as an object; what is too much for a reader is cut."""
        errors = [dataclasses.asdict(error) | {"message": cut(error.message)} for error in self.errors[:MAX_ERRORS]]
        return {
            "ok": self.ok,
            "reason": self.reason,
            "errors": errors,
            "open_goals": [cut(goal) for goal in self.open_goals[:MAX_GOALS]],
            "assumptions": [cut(name) for name in self.assumptions[:MAX_ASSUMPTIONS]],
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Reply":
        """Return the reply of a line.  Raises ValueError where it is none: a prover that talks nonsense has proved nothing."""
        reason = fields.get("reason")
        if not isinstance(reason, str) or reason not in REASONS or fields.get("ok") is not (reason == "proved"):
            raise ValueError("reason and ok are missing or disagree")
        return cls(
            reason=cast(Reason, reason),
            errors=tuple(_error(item) for item in _items(fields, "errors", MAX_ERRORS)),
            open_goals=tuple(_text(item) for item in _items(fields, "open_goals", MAX_GOALS)),
            assumptions=tuple(_text(item) for item in _items(fields, "assumptions", MAX_ASSUMPTIONS)),
        )


class Prover(Protocol):
    """Decides proofs in one language."""

    name: str

    def prove(self, request: Request) -> Reply:
        """Return what it says.  Never raises on any text; ends within a small multiple of `request.seconds`."""
        ...


def failed(reason: Reason, text: str, offset: int, message: str, part: Part = "proof") -> Reply:
    """Return a reply with one error at a character of `text`, which is the part's text."""
    return Reply(reason=reason, errors=(error_at(text, offset, message, part),))


def error_at(text: str, offset: int, message: str, part: Part = "proof") -> ProofError:
    """Return the error with the place as line and column; only `\\n` ends a line."""
    before = text[:offset]
    return ProofError(before.count("\n") + 1, offset - before.rfind("\n"), message, part)


def cut(text: str) -> str:
    """Return at most MAX_MESSAGE_CHARS of a text, as valid Unicode."""
    return text[:MAX_MESSAGE_CHARS].encode("utf-8", "replace").decode()


def _items(fields: Mapping[str, Any], name: str, most: int) -> list[Any]:
    items = fields.get(name, [])
    if not isinstance(items, list) or len(items) > most:
        raise ValueError(f"{name} is no list or too long")
    return items


def _error(item: Any) -> ProofError:
    if not isinstance(item, dict):
        raise ValueError("an error is no object")
    line, column, part = item.get("line"), item.get("column"), item.get("part", "proof")
    if not isinstance(part, str) or part not in PARTS:
        raise ValueError("an error is in no part")
    if not (type(line) is int and type(column) is int and line > 0 and column > 0):
        raise ValueError("an error has no place")
    return ProofError(line, column, _text(item.get("message")), cast(Part, part))


def _text(item: Any) -> str:
    if not isinstance(item, str) or len(item) > MAX_MESSAGE_CHARS:
        raise ValueError("a text is none or too long")
    return item
