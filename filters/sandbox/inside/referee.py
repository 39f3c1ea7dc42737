"""The process that holds a test: it reads the request, hands the code alone to the candidate, and writes the verdict.

It reports in one line of JSON: `outcome`, `nonce` (the request's, written after the last assertion), `wait` (whether the
candidate's own end belongs to the outcome) and what the outcome needs.
"""

import base64
import json
import os
import random
import select
from typing import Any, NamedTuple, NoReturn

from filters.sandbox.inside import limits
from filters.sandbox.inside.names import Unreadable
from filters.sandbox.inside.remote import Link, Undecided
from filters.sandbox.inside.trial import Trial
from filters.sandbox.inside.wire import Garbled, Gone, receive, send

READ_BYTES = 1 << 16


class Pipes(NamedTuple):
    """The referee's file descriptors."""

    request: int
    report: int
    reading: int  # from the candidate
    writing: int  # to the candidate
    stdin: int  # the program's
    stdout: int


def run(pipes: Pipes, system_calls: limits.SystemCalls | None, *, writable: bool) -> NoReturn:
    """Judge one request and end."""
    request = _request(pipes.request)
    for standard in (0, 1):
        os.dup2(2, standard)
    limits.reopen_standard_streams()
    limits.hide()
    limits.apply(system_calls, writable=writable, cpu_seconds=limits.REFEREE_CPU_SECONDS)
    random.seed(0)
    report = _program(request, pipes) if request["kind"] == "program" else _calls(request, pipes)
    line = json.dumps({**report, "nonce": request["nonce"]}).encode()
    while line:
        line = line[os.write(pipes.report, line) :]
    os._exit(0)


def _request(fd: int) -> dict[str, Any]:
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = os.read(fd, READ_BYTES)
        if not piece:
            os._exit(1)
        received += piece
    request: dict[str, Any] = json.loads(received)
    return request


def _program(request: dict[str, Any], pipes: Pipes) -> dict[str, Any]:
    """Feed the program its input and collect its output, up to a byte over the limit."""
    task = {"sources": request["sources"], "names": [], "prelude": "", "calls": False}
    try:
        found = _handed(task, pipes)
    except (Gone, Garbled):
        return {"outcome": "gone", "wait": True}
    if "outcome" in found:
        return {**found, "wait": False}
    unsent, output = memoryview(request["input"].encode("utf-8", "surrogatepass")), bytearray()
    os.set_blocking(pipes.stdin, False)
    writing = [pipes.stdin] if unsent else []
    if not writing:
        os.close(pipes.stdin)
    while len(output) <= request["output_bytes"]:
        readable, writable, _ = select.select([pipes.stdout], writing, [])
        if writable:
            try:
                unsent = unsent[os.write(pipes.stdin, unsent[:READ_BYTES]) :]
            except BrokenPipeError:  # it has closed its input
                unsent = unsent[:0]
            if not unsent:
                os.close(pipes.stdin)
                writing = []
        if readable:
            piece = os.read(pipes.stdout, READ_BYTES)
            if not piece:
                return {**found, "outcome": "ended", "wait": True, "output": base64.b64encode(output).decode()}
            output += piece
    return {**found, "outcome": "output_too_long", "wait": False}


def _calls(request: dict[str, Any], pipes: Pipes) -> dict[str, Any]:
    """Run the tests against the candidate's functions."""
    os.close(pipes.stdin)
    link = Link(pipes.reading, pipes.writing)
    try:
        trial = Trial(request["tests"], request["contexts"], request["entry"], link)
    except Unreadable:
        return {"outcome": "tests_unreadable", "wait": False}
    found: dict[str, Any] = {"wait": False}
    try:
        task = {"sources": request["sources"], "names": trial.wanted, "prelude": trial.prelude, "calls": True}
        found |= _handed(task, pipes)
        if "outcome" not in found:
            link.reply()
            trial.run()
            found |= {"outcome": "passed" if trial.passed and link.asked else "nothing_asserted"}
    except BaseException as error:  # whatever ends the tests ends in a verdict
        found |= _stopped(error, link)
    if link.fault is not None:  # the tests may have caught it and gone on
        found |= _stopped(link.fault, link)
    return {**found, "asked": link.asked}


def _handed(task: dict[str, Any], pipes: Pipes) -> dict[str, Any]:
    """Give the code to the candidate and return which of the sources it took, or the outcome where it took none."""
    send(pipes.writing, task)
    picked = receive(pipes.reading)
    return {"picked": picked} if type(picked) is list else {"outcome": "not_defined" if picked == "not_defined" else "syntax_error"}


def _stopped(error: BaseException, link: Link) -> dict[str, Any]:
    """Return the outcome of tests that `error` ended."""
    if isinstance(error, Undecided):
        return {"outcome": error.reason}
    if isinstance(error, Gone):
        return {"outcome": "gone", "wait": True}
    if isinstance(error, Garbled):
        return {"outcome": "garbled"}
    if error is link.error:
        return {"outcome": "raised", "error": link.error_name}
    if isinstance(error, AssertionError):
        return {"outcome": "failed"}
    if isinstance(error, MemoryError | RecursionError):
        return {"outcome": "tests_exhausted"}
    if link.asked == 0 or isinstance(error, NameError | ImportError | SyntaxError | SystemExit):
        return {"outcome": "tests_raised"}
    return {"outcome": "raised", "error": type(error).__name__}  # the answer has not the type that the tests work with
