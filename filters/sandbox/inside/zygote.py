"""The interpreter that forks a candidate and a referee for each request, watches both, and never sees what they judge.

It waits until there is a request but leaves the reading to the referee: what it held in its memory, each candidate would inherit.
Its own replies, one line of JSON each, carry the referee's report, how the candidate ended and whether this sandbox is used up.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from filters.sandbox.inside import candidate, limits, referee
from filters.sandbox.inside.names import Module, readable_tests

SCRATCH = "/tmp"
# What programs import most, loaded once here: an import in a test costs it milliseconds.
PRELOADED = (
    "bisect cmath collections.abc copy dataclasses datetime decimal enum fractions functools hashlib heapq io itertools math "
    "numbers operator random re statistics string textwrap typing"
).split()


class Ended(NamedTuple):
    """How a process ended: by which signal (0: none), with which status, after how many seconds of computing.

    `preempted` counts how often it had to leave the processor to others: what sleeps does not, what starves does all the time.
    """

    signal: int
    status: int
    seconds: float
    preempted: int


class Test(NamedTuple):
    """The processes of one test, and where the referee's report comes from."""

    candidate: int
    referee: int
    report: int


class Zygote:
    """`boxed` says that this has a namespace of processes to itself, with a scratch folder that goes with it."""

    def __init__(self, system_calls: limits.SystemCalls | None, *, boxed: bool) -> None:
        self._system_calls, self._boxed = system_calls, boxed
        self._null = os.open("/dev/null", os.O_RDWR)
        self._scratch = self._left()

    def serve(self) -> None:
        """Answer requests until the input ends or the sandbox is used up."""
        last = False
        while not last and _has_input():
            reply = self._judged()
            last = reply["last"]
            _write_line(reply)

    def _judged(self) -> dict[str, Any]:
        test = self._started()
        report, stopped = _watched(test, _Clock(test, SCRATCH if self._boxed else None))
        os.close(test.report)
        for pid in (test.candidate, test.referee):
            os.kill(pid, signal.SIGKILL)
        candidate_end, referee_end = _ended(test.candidate), _ended(test.referee)
        self._clear()
        return {
            "report": report,
            "stopped": stopped,
            "candidate": candidate_end,
            "referee": referee_end,
            "last": report is None or self._left() != self._scratch,  # what one test left, no other shall find
        }

    def _started(self) -> Test:
        """Fork both processes.  The candidate first: it must not inherit the pipe of the report."""
        calls, answers, stdin, stdout = os.pipe(), os.pipe(), os.pipe(), os.pipe()
        theirs = (stdin[0], stdout[1], self._null, calls[0], answers[1])
        candidate_pid = _forked(lambda: self._candidate(theirs))
        report = os.pipe()
        pipes = referee.Pipes(0, report[1], answers[0], calls[1], stdin[1], stdout[0])
        referee_pid = _forked(lambda: self._referee(pipes, (*theirs[:2], *theirs[3:])))
        for fd in (*calls, *answers, *stdin, *stdout, report[1]):
            os.close(fd)
        return Test(candidate_pid, referee_pid, report[0])

    def _candidate(self, fds: tuple[int, ...]) -> None:
        """Put `fds` at 0, 1, … and close all others, the requests among them, before the code arrives."""
        for number, fd in enumerate([fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in fds]):
            os.dup2(fd, number)
        os.closerange(len(fds), 256)
        candidate.run(self._system_calls, writable=self._boxed)

    def _referee(self, pipes: referee.Pipes, theirs: tuple[int, ...]) -> None:
        for fd in theirs:
            os.close(fd)
        os.dup2(self._null, 2)
        referee.run(pipes, self._system_calls, writable=self._boxed)

    def _left(self) -> set[str]:
        """Return what is in the scratch folder; folders on the way to what is bound may be among it."""
        return set(os.listdir(SCRATCH)) if self._boxed else set()

    def _clear(self) -> None:
        """End every process that a test has left."""
        if self._boxed:  # elsewhere the filter of system calls lets none begin
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all of this namespace but its first process and this one
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)


class _Clock:
    """Says when a test is to be stopped: the machine's clock alone would punish it for the machine's load."""

    def __init__(self, test: Test, scratch: str | None) -> None:
        self._scratch = scratch
        self._pids = (test.candidate, test.referee)
        self._started = self._window = time.monotonic()
        self._computed = 0.0
        self._idle = 0

    def reason(self) -> str | None:
        """Return why the test must end now, None where it may go on."""
        now = time.monotonic()
        if now - self._window < limits.IDLE_WINDOW_SECONDS:
            return None
        computed = sum(_seconds(pid) for pid in self._pids)
        # By windows that began, not by seconds that passed: a machine that was suspended stood still for the test as well.
        self._idle += computed - self._computed < limits.IDLE_SHARE * limits.IDLE_WINDOW_SECONDS
        self._window, self._computed = now, max(computed, self._computed)
        if self._scratch and _files(self._scratch) > limits.SCRATCH_FILES:
            return "too_many_files"
        if self._idle >= limits.IDLE_WINDOWS:
            return "blocked"
        return "starved" if now - self._started > limits.WALL_SECONDS else None


def _files(folder: str) -> int:
    state = os.statvfs(folder)
    return state.f_files - state.f_ffree


def _watched(test: Test, clock: _Clock) -> tuple[dict[str, Any] | None, str | None]:
    """Return the referee's report, None where it ended without one, and why the test was stopped, None where it ended."""
    received = bytearray()
    report: dict[str, Any] | None = None
    waiting = test.report
    reason = None
    while reason is None:
        if not select.select([waiting], [], [], limits.IDLE_WINDOW_SECONDS)[0]:
            reason = clock.reason()
        elif report is not None:
            break
        elif piece := os.read(waiting, 1 << 16):
            received += piece
            if len(received) > limits.REPORT_BYTES:
                break
        elif not received:
            break
        else:
            report = _report(received)
            if report is None or not report.get("wait"):
                break
            waiting = os.pidfd_open(test.candidate)
    if waiting != test.report:
        os.close(waiting)
    return report, reason


def _report(received: bytearray) -> dict[str, Any] | None:
    try:
        report = json.loads(received)
    except (ValueError, RecursionError):  # the tests wrote into it
        return None
    return report if isinstance(report, dict) else None


def _seconds(pid: int) -> float:
    """Return what a process has computed so far, 0 where it has ended."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # the kernel's number for the clock of a process
    except OSError:
        return 0.0


def _ended(pid: int) -> Ended:
    _, status, usage = os.wait4(pid, 0)
    end = (os.WTERMSIG(status), 0) if os.WIFSIGNALED(status) else (0, os.WEXITSTATUS(status))
    return Ended(*end, round(usage.ru_utime + usage.ru_stime, 3), usage.ru_nivcsw)


def _forked(main: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            main()
        finally:
            os._exit(candidate.EXITED)
    return pid


def _has_input() -> bool:
    """Wait for a request, without reading it; False where there will be none."""
    poll = select.poll()
    poll.register(0, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll())


def _write_line(reply: dict[str, Any]) -> None:
    line = json.dumps(reply).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]


def _warm_up() -> None:
    """Let the compiler make what it makes once, a quarter of what reading a test takes."""
    module = Module.of("import a\ndef f(x): return x\nassert f(1) == 1")
    module.without(frozenset({"f"}))
    readable_tests(module)


def main() -> None:
    """Serve: the first argument is the filter of system calls, empty for none, the second "boxed" or "bare"."""
    program, mode = sys.argv[1:]
    for name in PRELOADED:
        importlib.import_module(name)
    boxed = mode == "boxed" and (os.getpid(), os.getppid()) == (2, 1)
    if mode == "boxed" and not boxed:
        raise SystemExit("not alone in a namespace: to end all other processes would end the machine's")
    if not (boxed or program):
        raise SystemExit("neither a namespace nor a filter of system calls: that is no sandbox")
    if not boxed:
        limits.drop_root()
        os.chdir("/")
    limits.hide()
    zygote = Zygote(limits.SystemCalls(program) if program else None, boxed=boxed)
    _warm_up()
    gc.collect()
    gc.freeze()  # a collection in a test would copy every page of what is shared
    _write_line({"ready": True})
    zygote.serve()
