"""The Lean 4 backend's process: one run of `lean --json` a proof, over header, statement and proof as one file.

Written from Lean 4's documentation and tested against a stand-in that speaks its messages; no test here runs Lean itself.
The proof is a term, as a rule `by …`, and holds no command: whatever Lean's macros could run or declare is refused by word.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
from typing import IO, Any, NamedTuple

from filters.provers.protocol import WALL_FACTOR, ProofError, Reason, Reply, Request, cut, error_at, failed
from filters.provers.serving import serve

MEMORY_BYTES = 64 << 30  # of address space: Mathlib's files are mapped, some 6 GB; what Lean allocates is limited by its own flag
LEAN_MEGABYTES = 4096
IMPORT_SECONDS = 40.0  # of wall time, on top of the proof's: Mathlib takes seconds from a warm disk
OUTPUT_BYTES = 8 << 20
THEOREM = "starbeam_theorem"
AXIOMS = frozenset(("propext", "Classical.choice", "Quot.sound"))  # Lean's own; Mathlib rests on all three

_COMMENT = re.compile(r"--[^\n]*|/-|-/")
_WORD = re.compile(r"#?[\w'!?%.@]+")
_FORBIDDEN = frozenset(
    "axiom elab macro syntax initialize unsafe implemented_by extern import set_option attribute eval% include_str csimp opaque "
    "constant IO simproc dsimproc".split()
)
_FORBIDDEN_STARTS = ("run_", "by_elab", "elab_", "macro_", "builtin_", "declare_", "register_", "simproc_", "dsimproc_", "#")
_UNSUPPORTED = frozenset(
    "theorem lemma def abbrev instance structure inductive class namespace section end open notation infix infixl infixr prefix "
    "postfix variable variables universe mutual private protected example deriving local scoped noncomputable export".split()
)
_RESTATED = re.compile(r"\s*+(?:theorem|lemma)\s++[^\s:({\[]++(?P<binders>[^:]*+):(?!=)")
_OPENING = re.compile(r"\s*(?::=)?")  # what may stand before the term
_DECLARED = re.compile(r"^\s*axiom\s+([\w.']+)", re.MULTILINE)
_NO_AXIOMS = f"'{THEOREM}' does not depend on any axioms"
_SOME_AXIOMS = re.compile(rf"'{THEOREM}' depends on axioms: \[([^\]]*)\]")


class Refused(Exception):
    """The proof is not run."""

    def __init__(self, reason: Reason, offset: int, message: str) -> None:
        super().__init__(message)
        self.reason, self.offset, self.message = reason, offset, message


class Message(NamedTuple):
    """One of Lean's: the line counts from 1, the column from 0."""

    severity: str
    line: int
    column: int
    text: str


class Lean:
    """Runs the program."""

    def __init__(self, program: str) -> None:
        self._program = program

    def prove(self, request: Request) -> Reply:
        """Return the verdict."""
        try:
            start = body_start(request.proof, request.statement)
        except Refused as refused:
            return failed(refused.reason, request.proof, refused.offset, refused.message)
        before = f"{request.header}\n\ntheorem {THEOREM} : {request.statement}\n:=\n"
        body = request.proof[start:]
        text = f"{before}{body}\n\n#print axioms {THEOREM}\n"
        output, status = self._run(text, IMPORT_SECONDS + WALL_FACTOR * request.seconds)
        if status == -signal.SIGKILL or len(output) > OUTPUT_BYTES:
            return Reply(reason="timeout" if len(output) <= OUTPUT_BYTES else "resources")
        messages = _messages(output)
        first, last = before.count("\n") + 1, text.count("\n")
        error = next((message for message in messages if message.severity == "error"), None)
        if error is not None:
            return _refusal(error, first, request.proof, start)
        return _axioms([message for message in messages if message.line == last], request.header, status)

    def _run(self, text: str, seconds: float) -> tuple[bytes, int]:
        process = subprocess.Popen(
            [self._program, "--stdin", "--json", f"--memory={LEAN_MEGABYTES}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the pipes are missing")
        timer = threading.Timer(seconds, process.kill)
        writer = threading.Thread(target=_write, args=(process.stdin, text.encode("utf-8", "replace")))
        timer.start()
        writer.start()
        output = process.stdout.read(OUTPUT_BYTES + 1)
        if len(output) > OUTPUT_BYTES:
            process.kill()
        status = process.wait()
        timer.cancel()
        writer.join()
        process.stdout.close()
        return output, status


def body_start(proof: str, statement: str) -> int:
    """Return where the term starts.  Raises Refused where the text is none, changes the statement, or holds a command."""
    text = _without_comments(proof)
    start = 0
    restated = _RESTATED.match(text)
    if restated:
        words = map(re.escape, _without_comments(statement).split())
        stated = re.compile(r"\s*" + r"\s+".join(words) + r"\s*(?=:=)").match(text, restated.end())
        if stated is None:
            binders = restated["binders"].strip()
            raise Refused("unsupported_command" if binders else "statement_changed", 0, "it is not the statement that was given")
        start = stated.end()
    opening = _OPENING.match(text, start)
    if opening:
        start = opening.end()
    if not text[start:].strip():
        raise Refused("no_proof", 0, "there is no term")
    for match in _WORD.finditer(text, start):
        _refuse_word(match[0], match.start())
    return start


def _refuse_word(word: str, offset: int) -> None:
    parts = set(word.split("."))
    if parts & {"sorry", "admit", "stop"} or "sorryAx" in parts:
        raise Refused("admitted", offset, f"a proof does not use {word}")
    if parts & _FORBIDDEN or word.startswith(_FORBIDDEN_STARTS):
        raise Refused("forbidden_command", offset, f"no proof needs {word}")
    if parts & _UNSUPPORTED or word.startswith("@["):
        raise Refused("unsupported_command", offset, f"{word} is not allowed here")


def _without_comments(text: str) -> str:
    """Return the text with comments blanked, in place.  With a quote in it nothing is: what looks like a comment may be none."""
    if '"' in text:
        return text
    pieces: list[str] = []
    position = depth = 0
    for match in _COMMENT.finditer(text):
        if match.start() < position or (depth and match[0].startswith("--")):
            continue
        piece = text[position : match.start()]
        pieces.append(" " * len(piece) if depth else piece)
        depth = max(0, depth + {"/-": 1, "-/": -1}.get(match[0], 0))
        pieces.append(" " * len(match[0]))
        position = match.end()
    rest = text[position:]
    return "".join(pieces) + (" " * len(rest) if depth else rest)


def _messages(output: bytes) -> list[Message]:
    found = []
    for line in output.split(b"\n"):
        try:
            fields: Any = json.loads(line)
            place = fields["pos"]
            found.append(Message(str(fields["severity"]), int(place["line"]), int(place["column"]), str(fields["data"])))
        except (ValueError, TypeError, KeyError, RecursionError):  # a line of other kind
            continue
    return found


def _refusal(error: Message, first: int, proof: str, start: int) -> Reply:
    """Return what an error means, with its place in the proof."""
    if error.line < first:
        return Reply(reason="gold_unreadable", errors=(ProofError(1, 1, cut(error.text), "header"),))
    lines = proof[start:].split("\n")
    index = min(error.line - first, len(lines) - 1)
    offset = start + sum(len(line) + 1 for line in lines[:index]) + min(error.column, len(lines[index]))
    goals: tuple[str, ...] = ()
    reason: Reason = "not_proved"
    if error.text.startswith("unsolved goals"):
        reason, goals = "open_goals", tuple(goal.strip() for goal in error.text.partition("\n")[2].split("\n\n") if goal.strip())
    elif "(deterministic) timeout" in error.text:
        reason = "timeout"
    elif "maximum recursion depth" in error.text or "out of memory" in error.text:
        reason = "resources"
    return Reply(reason=reason, errors=(error_at(proof, offset, error.text),), open_goals=goals)


def _axioms(messages: list[Message], header: str, status: int) -> Reply:
    """Return the verdict of a run without errors, from the report of axioms, which stands on a line of its own."""
    text = "\n".join(message.text for message in messages)
    if text == _NO_AXIOMS and status == 0:
        return Reply(reason="proved")
    report = _SOME_AXIOMS.fullmatch(" ".join(text.split()))
    if report is None or status != 0:
        return Reply(reason="resources")
    names = tuple(name.strip() for name in report[1].split(","))
    if "sorryAx" in names:
        return Reply(reason="admitted", assumptions=names)
    allowed = AXIOMS | set(_DECLARED.findall(header))
    return Reply(reason="proved" if allowed.issuperset(names) else "assumptions", assumptions=names)


def _write(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # it ended without reading all
        try:
            stream.write(data)
        finally:
            stream.close()


if __name__ == "__main__":
    serve(Lean(os.environ["LEAN"]).prove, MEMORY_BYTES)
