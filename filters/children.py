"""Helper processes that can be killed: JSON lines in, JSON lines out, one request at a time.

What may hang, crash or eat memory on hostile text (computer algebra, provers, code) runs in one of these and never in the
worker.  A helper that is late, dead or talks nonsense is killed with its whole session, and the next request starts a new one.

A helper writes `{"ready": true}` when it can take requests, then one line a request, and ends when its input does: so it outlives
no parent but to end a request, whose length it bounds itself.  A reply with `"last": true` says that it takes no more; one with the
`request_id` that stands in each request cannot be taken for the reply to another.
"""

import atexit
import contextlib
import dataclasses
import functools
import json
import os
import select
import selectors
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

READ_BYTES = 1 << 16


class ChildFailed(Exception):
    """The helper gave no reply.  `reason` is "timeout", "died", "reply_too_long", "no_json" or "not_started"."""

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
        self.spent = False  # it said that it takes no more requests
        try:
            self._process = subprocess.Popen(
                spec.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=dict(spec.environment),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:  # no such program, no memory, no process or file left
            raise ChildFailed("not_started", str(error)) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._rest = b""
        self.ready = self._exchange(b"", spec.start_seconds)

    def ask(self, request: Mapping[str, Any], wall_seconds: float | None = None) -> dict[str, Any]:
        """Return the reply.  Raises ChildFailed, and then the helper is dead."""
        self.served += 1
        numbered = {**request, "request_id": self.served}
        return self._exchange(json.dumps(numbered).encode() + b"\n", wall_seconds or self.spec.wall_seconds)

    def is_idle(self) -> bool:
        """Say whether it can take a request: it lives, has some left, and has said nothing that was not asked for."""
        if self._out < 0 or self.spent or self.served >= self.spec.requests or self._rest:
            return False
        poll = select.poll()
        poll.register(self._out, select.POLLIN)
        return not poll.poll(0)

    def _exchange(self, line: bytes, seconds: float) -> dict[str, Any]:
        try:
            reply = json.loads(self._transfer(line, time.monotonic() + seconds))
            if not isinstance(reply, dict):
                raise ValueError("the reply is no object")
            if reply.get("request_id", self.served) != self.served:
                raise ValueError("the reply is to another request")
        except (ValueError, RecursionError) as error:  # no JSON, no Unicode, or nested without end
            self.kill()
            raise ChildFailed("no_json", str(error)) from error
        except BaseException:
            self.kill()
            raise
        self.spent = reply.get("last") is True
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
                            raise ChildFailed("died")
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
        """End the helper and everything in its session, now.  Nothing where that was done."""
        if self._process.returncode is None:  # not waited for, so its number cannot be another process's yet
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._close()
        self._process.wait()

    def abandon(self) -> None:
        """Let go of a helper that is another process's, the one that this was forked from: it lives on there."""
        self._process.returncode = 0  # there is nothing to wait for
        self._close()

    def _close(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._in = self._out = -1  # the numbers may be another file's soon


class Pool:
    """The helpers of one spec in this process: as many as there are threads that ask, at most one a core."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self._idle: list[Child] = []
        self._children: weakref.WeakSet[Child] = weakref.WeakSet()
        self._places = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))
        _POOLS.add(self)

    @contextlib.contextmanager
    def lend(self) -> Iterator[Child]:
        """Lend a helper to one thread.  Raises ChildFailed where none can be started."""
        with self._places:
            child = self._taken()
            try:
                yield child
            except BaseException:
                child.kill()
                raise
            if child.is_idle():
                self._idle.append(child)
            else:
                child.kill()

    def _taken(self) -> Child:
        while True:
            try:
                child = self._idle.pop()
            except IndexError:
                child = Child(self.spec)
                self._children.add(child)
                return child
            if child.is_idle():  # else it died meanwhile: of memory, or of someone's signal
                return child
            child.kill()

    def ask(self, request: Mapping[str, Any], wall_seconds: float | None = None) -> dict[str, Any]:
        """Return a helper's reply.  Raises ChildFailed."""
        with self.lend() as child:
            return child.ask(request, wall_seconds)

    def close(self) -> None:
        """End the helpers that are idle."""
        while self._idle:
            self._idle.pop().kill()

    def forked(self) -> None:
        """Begin anew in a forked process: its parent's helpers are not its own, and its parent's threads are not there."""
        for child in list(self._children):
            child.abandon()
        self._children.clear()
        self._idle.clear()
        self._places = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))


_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()
_FIRST = threading.Lock()


def pool_of(spec: ChildSpec) -> Pool:
    """Return this process's pool for a spec."""
    with _FIRST:
        return _pool_of(spec)


@functools.cache
def _pool_of(spec: ChildSpec) -> Pool:
    pool = Pool(spec)
    atexit.register(pool.close)
    return pool


def _after_fork() -> None:
    global _FIRST
    _FIRST = threading.Lock()  # a thread that is not there may have held it
    for pool in list(_POOLS):
        pool.forked()


os.register_at_fork(after_in_child=_after_fork)
