"""Helper processes that can be killed: JSON lines in, JSON lines out, one request at a time.

What may hang, crash or eat memory on hostile text (computer algebra, provers, code) runs in one of these and never in the
worker.  A helper that is late, dead or talks nonsense is killed with its whole session, and the next request starts a new one.
"""

import atexit
import contextlib
import dataclasses
import functools
import json
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

READ_BYTES = 1 << 16


class ChildFailed(Exception):
    """The helper gave no reply.  `reason` is "timeout", "died", "reply_too_long" or "no_json"."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How a helper is started, and when it is given up.  Hashable: equal specs share their helpers within a process."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()  # the whole of it: nothing is inherited
    wall_seconds: float  # for one request, from its writing to the end of its reply
    start_seconds: float = 60.0  # for the first line, `{"ready": true}`, which every helper writes when it can take requests
    requests: int  # after so many, the helper is replaced: caches of libraries grow
    reply_bytes: int = 1 << 20


class Child:
    """One running helper.  Not for several threads at once; `lend` hands out whole ones."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.served = 0
        self._process = subprocess.Popen(
            spec.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(spec.environment),
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._rest = b""
        self.ready = self._exchange(b"", spec.start_seconds)

    def ask(self, request: Mapping[str, Any], wall_seconds: float | None = None) -> dict[str, Any]:
        """Return the reply.  Raises ChildFailed, and then the helper is dead."""
        self.served += 1
        return self._exchange(json.dumps(request).encode() + b"\n", wall_seconds or self.spec.wall_seconds)

    def _exchange(self, line: bytes, seconds: float) -> dict[str, Any]:
        try:
            reply = json.loads(self._transfer(line, time.monotonic() + seconds))
        except ValueError as error:  # no JSON, or no Unicode
            self.kill()
            raise ChildFailed("no_json", str(error)) from error
        except ChildFailed:
            self.kill()
            raise
        if not isinstance(reply, dict):
            self.kill()
            raise ChildFailed("no_json", "the reply is no object")
        return reply

    def _transfer(self, line: bytes, deadline: float) -> bytes:
        """Write a line and read one, both without ever blocking past the deadline."""
        unsent, received = memoryview(line), bytearray(self._rest)
        with selectors.DefaultSelector() as selector:
            selector.register(self._out, selectors.EVENT_READ)
            if unsent:
                selector.register(self._in, selectors.EVENT_WRITE)
            while b"\n" not in received or unsent:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ChildFailed("timeout")
                for key, _ in selector.select(left):
                    if key.fd == self._in:
                        unsent = self._write(unsent)
                        if not unsent:
                            selector.unregister(self._in)
                    else:
                        piece = os.read(self._out, READ_BYTES)
                        if not piece:
                            raise ChildFailed("died", f"exit status {self._process.poll()}")
                        received += piece
                        if len(received) > self.spec.reply_bytes:
                            raise ChildFailed("reply_too_long")
        reply, _, rest = bytes(received).partition(b"\n")
        self._rest = rest
        return reply

    def _write(self, unsent: memoryview) -> memoryview:
        try:
            return unsent[os.write(self._in, unsent) :]
        except BlockingIOError:
            return unsent
        except OSError as error:
            raise ChildFailed("died", str(error)) from error

    def kill(self) -> None:
        """End the helper and everything in its session, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()


class Pool:
    """The helpers of one spec in this process: as many as there are threads that ask, at most one a core."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._owner = os.getpid()
        self._idle: list[Child] = []
        self._places = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))

    @contextlib.contextmanager
    def lend(self) -> Iterator[Child]:
        """Lend a helper to one thread.  Raises ChildFailed where none can be started."""
        with self._places:
            child = self._idle.pop() if self._idle else Child(self.spec)
            try:
                yield child
            except BaseException:
                child.kill()
                raise
            if child.served >= self.spec.requests:
                child.kill()
            else:
                self._idle.append(child)

    def ask(self, request: Mapping[str, Any], wall_seconds: float | None = None) -> dict[str, Any]:
        """Return a helper's reply.  Raises ChildFailed."""
        with self.lend() as child:
            return child.ask(request, wall_seconds)

    def close(self) -> None:
        """End the helpers that are idle.  A forked process leaves its parent's alone."""
        while self._idle and os.getpid() == self._owner:
            self._idle.pop().kill()


@functools.cache
def pool_of(spec: ChildSpec) -> Pool:
    """Return this process's pool for a spec."""
    pool = Pool(spec)
    atexit.register(pool.close)
    return pool


os.register_at_fork(after_in_child=pool_of.cache_clear)  # a forked process must not talk to its parent's helpers
