"""A running coqtop, kept warm: sentences in, what it says of each out, and the way back to an earlier state.

What a proof prints must not pass for Coq's own word.  Tactics can print anything on standard output, and anything in an error.
So a sentence holds only if standard error brings nothing but the prompt of the very next state, and an answer on standard output
is what stands between two marks that nobody could have guessed when the proof was run.
"""

import ctypes
import os
import re
import secrets
import selectors
import signal
import subprocess
import time
from typing import NamedTuple

from filters.provers.protocol import WALL_FACTOR

OUTPUT_BYTES = 8 << 20  # of one sentence: goals that are printed have some KB
TICK_SECONDS = 0.25
IDLE_SECONDS = 15.0  # without any CPU time at all: it waits for more input, however busy the machine
_PROMPT = re.compile(rb"\n?<prompt>[^\n<]* < ([0-9]+) \|([^\n<]*)\| [0-9]+ < </prompt>\Z")
_PLACE = re.compile(r"Toplevel input, characters ([0-9]+)-[0-9]+:\n(?:>[^\n]*\n)*")
_INFO = re.compile(r"</?infomsg>")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class TimedOut(Exception):
    """The sentence used up its time.  Coqtop is dead."""


class Gone(Exception):
    """Coqtop died, or said what it cannot say.  It is dead."""


class Failure(NamedTuple):
    """A sentence that Coq refuses."""

    offset: int  # in the sentence, in characters
    message: str


class Clock:
    """The time that is left for a piece of work: CPU seconds of one process, and some multiple of it on the wall."""

    def __init__(self, seconds: float) -> None:
        self._cpu, self._wall = seconds, time.monotonic() + WALL_FACTOR * seconds
        self._start: float | None = None
        self._last, self._still = 0.0, 0.0  # its CPU time when it was last seen to move, and when that was

    def passed(self, process: int) -> bool:
        """Say whether the time is over; the first call for a process starts its count."""
        try:
            used = time.clock_gettime(~process << 3 | 2)  # the kernel's clock of another process's CPU time
        except OSError:  # it has just died: its output ends
            used = 0.0
        now = time.monotonic()
        if self._start is None:
            self._start, self._still = used, now
        if used != self._last:
            self._last, self._still = used, now
        return used - self._start > self._cpu or now > self._wall or now - self._still > IDLE_SECONDS


class Coqtop:
    """One process.  Every method may raise TimedOut or Gone."""

    def __init__(self, program: str, clock: Clock) -> None:
        self._process = subprocess.Popen(
            [program, "-q", "-emacs", "-w", "-all", "-native-compiler", "no"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        )
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._in, self._out, self._err = (stream.fileno() for stream in streams if stream is not None)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)
        self._said, self._complained = bytearray(), bytearray()  # on standard output and on standard error
        self.clock = clock
        self.state = 0
        self.proving = False
        self._exact = False  # after a refusal Coq skips a number
        self._receive()

    def run(self, sentence: str, *, trusted: bool = False) -> Failure | None:
        """Run one sentence, a line; return what is wrong with it.  Commands within a proof, as headers have, skip a state."""
        self._said.clear()
        self._exact = self._exact and not trusted
        return self._step(sentence)

    def ask(self, question: str) -> str:
        """Return what Coq prints for a command that changes nothing, "" where it refuses it."""
        self._said.clear()
        first, last = f"m{secrets.token_hex(8)}", f"m{secrets.token_hex(8)}"  # short, so that a printed mark fits one line
        for sentence in (_mark(first), question, _mark(last)):
            if self._step(sentence) is not None and sentence is not question:
                raise self._gone("a mark is refused")
        while self._said.count(last.encode()) < 2:  # standard output may lag behind the prompt
            self._read()
        said = self._said.decode("utf-8", "replace").partition(last)[0].rpartition(first)[2]
        lines = said.split("\n")[2:-1]  # without the first mark's type and what stands before the last one's name
        return _INFO.sub("", "\n".join(lines)).strip("\n ")

    def back_to(self, state: int) -> None:
        """Forget all that was done since `state`."""
        self._write(f"BackTo {state}.")
        if self._receive() or self.state != state:
            raise self._gone("it did not go back")
        self._exact = False

    def kill(self) -> None:
        """End it, now."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _step(self, sentence: str) -> Failure | None:
        before, exact = self.state, self._exact
        self._write(sentence)
        complaint = self._receive()
        self._exact = not complaint
        if complaint and self.state == before:
            return _failure(sentence, complaint.decode("utf-8", "replace"))
        if complaint or self.state <= before or (exact and self.state != before + 1):
            raise self._gone("the line was not one sentence, or more was said than Coq says")
        return None

    def _write(self, sentence: str) -> None:
        try:
            os.write(self._in, sentence.encode() + b"\n")  # the pipe is empty and Coq waits
        except OSError as error:
            raise self._gone(str(error)) from error

    def _receive(self) -> bytes:
        """Read up to the next prompt and take its state; return what standard error says before it."""
        self._complained.clear()
        while not (prompt := _PROMPT.search(self._complained)):
            self._read()
        self.state, self.proving = int(prompt[1]), bool(prompt[2])
        return bytes(self._complained[: prompt.start()]).strip()

    def _read(self) -> None:
        """Read what is there, or wait for one tick."""
        ready = self._selector.select(TICK_SECONDS)
        if self.clock.passed(self._process.pid):
            self.kill()
            raise TimedOut
        for key, _ in ready:
            piece = os.read(key.fd, 1 << 16)
            heard = self._said if key.fd == self._out else self._complained
            heard += piece
            if not piece or len(heard) > OUTPUT_BYTES:
                raise self._gone("it died" if not piece else "it says too much")

    def _gone(self, message: str) -> Gone:
        self.kill()
        return Gone(message)


def _mark(name: str) -> str:
    """Return a command that prints the name twice on one line, and its type on the next."""
    return f"Check fun {name} : Set => {name}."


def _failure(sentence: str, text: str) -> Failure:
    place = _PLACE.search(text)
    message = (text[place.end() :] if place else text).strip().removeprefix("Error:").strip()
    offset = len(sentence.encode()[: int(place[1])].decode("utf-8", "ignore")) if place else 0
    return Failure(offset, message)
