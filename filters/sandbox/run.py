"""Run code against tests, or a program on an input, in a sandbox; what comes back is a status and a reason."""

import base64
import secrets
import signal
from collections.abc import Sequence
from typing import Any, NamedTuple

from filters.children import ChildFailed, pool_of
from filters.sandbox.inside.candidate import ENDED, NO_MEMORY, NO_MODULE, NOT_PERMITTED, RAISED
from filters.sandbox.inside.limits import CPU_SECONDS, REFEREE_CPU_SECONDS
from filters.sandbox.inside.zygote import Ended
from filters.sandbox.launch import launch
from schemas.annotation import Status

OUTPUT_BYTES = 64 << 10
MAX_OUTPUT_BYTES = 1 << 20
STARVED_PREEMPTIONS = 100  # a slice of a busy processor is about 3 ms, so this is 0.3 s in slices; what sleeps has less than 10
MANY_CALLS = 20_000  # each costs 60 µs of the pipe, so that five seconds of computing may be the sandbox's own

_REASONS: dict[str, tuple[Status, str]] = {
    "failed": ("incorrect", "failed"),
    "syntax_error": ("incorrect", "syntax_error"),
    "not_defined": ("incorrect", "not_defined"),
    "garbled": ("incorrect", "garbled"),  # the code wrote to the pipe by itself
    "output_too_long": ("incorrect", "output_too_long"),
    "needs_objects": ("unsure", "needs_objects"),
    "result_too_large": ("unsure", "result_too_large"),
    "tests_exhausted": ("unsure", "tests_exhausted"),
    "nothing_asserted": ("error", "no_assertion_ran"),
    "tests_unreadable": ("error", "gold_unreadable"),
    "tests_raised": ("error", "gold_raised"),
    "tests_need_objects": ("error", "tests_need_objects"),
    "tests_execute_answers": ("error", "tests_execute_answers"),
}
_RAISED: dict[str, tuple[Status, str]] = {
    "MemoryError": ("incorrect", "memory"),
    "SystemExit": ("incorrect", "exited"),
    "ModuleNotFoundError": ("unsure", "module_missing"),  # only the standard library is there
    "PermissionError": ("unsure", "not_permitted"),  # what the sandbox refuses, right code may need
}
_PROGRAM_RAISED = {
    NO_MEMORY: "MemoryError",
    NO_MODULE: "ModuleNotFoundError",
    NOT_PERMITTED: "PermissionError",
    RAISED: "Exception",
}
_STOPPED: dict[str, tuple[Status, str]] = {
    "blocked": ("incorrect", "timeout"),
    "too_many_files": ("incorrect", "too_many_files"),
    "starved": ("error", "starved"),
}


class Outcome(NamedTuple):
    """What became of a run.  `source` is the one that was taken, None where none could be; `output` a program's."""

    status: Status
    reason: str
    source: str | None = None
    output: bytes = b""


def run_tests(sources: Sequence[Sequence[str]], tests: str, *, contexts: Sequence[str] = (), entry: str | None = None) -> Outcome:
    """Return whether code passes `tests`: `correct` where every assertion held, at least one, and the code was asked at least once.

    The tests define `check(candidate)`, functions named `test…`, or plain assertions.  `sources` are groups of versions of code.
    The first group decides whose first version can be run, that is, compiles and defines what the tests call; the version is taken
    that also uses no name which nobody defines, by default the first.

    `entry` is the expression that `check` gets.  `contexts` are texts such as a function's header, which the code continues; in the
    first that defines the entry's name, all else, imports and helper functions, is the problem's own: the code may use it, and the
    tests use it whatever the code makes of those names.  Without `entry` it is the last function of the first context that has one,
    or of the code where none has.
    """
    request = {
        "kind": "calls",
        "sources": [list(group) for group in sources],
        "tests": tests,
        "contexts": list(contexts),
        "entry": entry,
    }
    return _asked(request)


def run_program(sources: Sequence[Sequence[str]], stdin: str, *, output_bytes: int = OUTPUT_BYTES) -> Outcome:
    """Return what the first of `sources` that compiles writes when it reads `stdin`; `correct` means here that it ended well."""
    limit = min(output_bytes, MAX_OUTPUT_BYTES)
    return _asked({"kind": "program", "sources": [list(group) for group in sources], "input": stdin, "output_bytes": limit})


def missing_walls() -> str:
    """Return what of the sandbox this machine cannot have: "" where it has all, "+rlimits" without bubblewrap, "+no_seccomp"."""
    return launch().missing


def _asked(request: dict[str, Any]) -> Outcome:
    """Ask twice where the fault may be the machine's: a sandbox that died, a test that waited."""
    spec = launch().spec
    if spec is None:
        return Outcome("error", "no_sandbox")
    outcome = Outcome("error", "sandbox_failed")
    for _ in range(2):
        nonce = secrets.token_hex(16)
        try:
            reply = pool_of(spec).ask({**request, "nonce": nonce})
        except ChildFailed:
            continue
        outcome = _outcome(request, reply, nonce)
        if reply["stopped"] != "blocked" and outcome.reason != "sandbox_failed":
            break
    return outcome


def _outcome(request: dict[str, Any], reply: dict[str, Any], nonce: str) -> Outcome:
    """Return what a reply means.  The referee's report is read with care: the tests, which are from outside too, run beside it."""
    report = reply["report"] if isinstance(reply["report"], dict) else {}
    source = _source(request["sources"], report.get("picked"))
    candidate, referee = Ended(*reply["candidate"]), Ended(*reply["referee"])
    if reply["stopped"] == "blocked" and candidate.preempted + referee.preempted > STARVED_PREEMPTIONS:
        return Outcome("error", "starved", source)
    if reply["stopped"] is not None:
        return Outcome(*_STOPPED[reply["stopped"]], source)
    if not report and (referee.signal == signal.SIGXCPU or referee.seconds >= REFEREE_CPU_SECONDS):
        return Outcome("unsure", "tests_exhausted")
    if report.get("nonce") != nonce:
        return Outcome("error", "sandbox_failed")
    try:
        output = base64.b64decode(report.get("output", ""), validate=True)
    except (TypeError, ValueError):
        return Outcome("error", "sandbox_failed")
    return Outcome(*_judged(report, candidate), source, output)


def _source(sources: list[list[str]], picked: Any) -> str | None:
    match picked:
        case [int(group), int(version)] if 0 <= group < len(sources) and 0 <= version < len(sources[group]):
            return sources[group][version]
    return None


def _judged(report: dict[str, Any], end: Ended) -> tuple[Status, str]:
    match report:
        case {"outcome": "passed"}:
            return "correct", "passed"
        case {"outcome": "raised", "error": str(error)}:
            return _RAISED.get(error, ("incorrect", "raised"))
        case {"outcome": "gone" | "ended"} if end.signal:
            asked = report.get("asked", 0)
            return _killed(end, many_calls=isinstance(asked, int) and asked > MANY_CALLS)
        case {"outcome": "ended"} if end.status == ENDED:
            return "correct", "ended"
        case {"outcome": "ended"} if end.status in _PROGRAM_RAISED:
            return _RAISED.get(_PROGRAM_RAISED[end.status], ("incorrect", "raised"))
        case {"outcome": "gone" | "ended"}:
            return "incorrect", "exited"
        case {"outcome": str(outcome)} if outcome in _REASONS:
            return _REASONS[outcome]
    return "error", "sandbox_failed"


def _killed(end: Ended, *, many_calls: bool) -> tuple[Status, str]:
    """Return what a candidate's end by a signal means."""
    if end.signal == signal.SIGXCPU or end.seconds >= CPU_SECONDS:
        return ("unsure", "too_many_calls") if many_calls else ("incorrect", "timeout")
    if end.signal == signal.SIGKILL:
        return "error", "killed"  # by nobody here: the machine ran out of memory
    return "incorrect", "crashed"
