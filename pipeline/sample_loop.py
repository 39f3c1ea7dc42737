"""The event loop of a worker process in which problems are solved: thousands at once, over as many partitions as that takes."""

import asyncio
import collections
import gc
import resource
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from typing import Any, Protocol

import uvloop

from generators.journal import Spent
from generators.teachers.client import Client, PaidTable
from generators.teachers.flow import Flow
from generators.teachers.ledger import Ledger
from pipeline.progress import Reporter
from schemas.errors import UserError

FREE_PROBLEMS = 64  # open problems where no teacher has a cap: free teachers never wait, so few are enough
WIDEST = 3  # times as many problems open as calls may be in flight, where calls wait to be tried again
OTHER_FILES = 256  # that a process has open beside connections: libraries, logs, files of the run; a generous guess
GC_THRESHOLD = 50_000  # objects between two collections: tens of megabytes of garbage at most
REPORT_SECONDS = 0.5

LOOPS: "weakref.WeakSet[SampleLoop]" = weakref.WeakSet()  # of this process, for `drain`


class Feed(Protocol):
    """A partition as the loop sees it: problems to begin, each a coroutine that solves it and raises nothing."""

    def next(self) -> Coroutine[Any, Any, None] | None:
        """Return the next problem's coroutine, None where no problem is left."""
        ...

    def reached(self) -> None:
        """Note that its first problem is about to begin."""
        ...

    def exhausted(self) -> None:
        """Note that no problem will be begun any more."""
        ...


class SampleLoop:
    """A thread with an event loop, the flows of the paid teachers and their ledger; one a DoFn, closed with it.

    Problems are solved by as many workers as calls may be in flight; a worker takes the next problem of whatever partition is
    at hand, so nothing waits for the end of a batch or a partition.  For each call that waits to be tried again one worker more
    is at work, so that the cap stays full.
    """

    def __init__(
        self, tables: Mapping[str, PaidTable], budget: float | None, spent: Spent, reporter: Reporter, logs: str, shared: bool
    ) -> None:
        prices = {name: table.price for name, table in tables.items() if table.price is not None}
        self.ledger = Ledger(prices, budget, spent)
        _have_files(sum(table.max_in_flight for table in tables.values()))
        known = {teacher for teacher, _ in spent}.__contains__
        self.flows = {
            name: Flow(name, table, _connector(table, name, logs, shared), self._widen, known(name))
            for name, table in tables.items()
        }
        self._base = sum(table.max_in_flight for table in tables.values()) or FREE_PROBLEMS
        self._wanted = self._base
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._feeds: collections.deque[Feed] = collections.deque()
        self._reporter = reporter
        self._failure: BaseException | None = None
        self.held = 0  # bytes of samples that wait for the rest of their partitions
        self._solved = [0, 0]  # problems and samples since the last report
        self._partitions: set[Future[int]] = set()
        # By measurement the collector took 18 % of this thread: what has been imported is not walked any more, and what a call
        # leaves behind is hardly ever a cycle.
        gc.freeze()
        self._gc_threshold = gc.get_threshold()
        gc.set_threshold(GC_THRESHOLD, *self._gc_threshold[1:])
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="sample-loop")
        self._thread.start()
        self._reports = asyncio.run_coroutine_threadsafe(self._report(), self._loop)
        LOOPS.add(self)

    def run(self, partition: Coroutine[Any, Any, int]) -> "Future[int]":
        """Begin to sample a partition."""
        future = asyncio.run_coroutine_threadsafe(partition, self._loop)
        self._partitions.add(future)
        future.add_done_callback(self._partitions.discard)
        return future

    def feed(self, partition: Feed) -> None:
        """Have a partition's problems solved after those of the partitions before.  Called in the loop."""
        self._feeds.append(partition)
        if len(self._feeds) == 1:
            partition.reached()
        while self._idle:
            self._idle.pop().set_result(None)
        self._hire()

    def _hire(self) -> None:
        while len(self._workers) < min(self._wanted, WIDEST * self._base):
            worker = asyncio.create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    def _widen(self, calls: int) -> None:
        """Note that so many calls more (or, below 0, fewer) wait to be tried again."""
        self._wanted += calls
        if self._feeds:
            self._hire()

    async def _work(self) -> None:
        while len(self._workers) <= self._wanted:
            solving = self._next()
            if solving is not None:
                await solving
            else:
                arrival = asyncio.get_running_loop().create_future()
                self._idle.append(arrival)
                await arrival

    def _next(self) -> Coroutine[Any, Any, None] | None:
        while self._feeds:
            solving = self._feeds[0].next() if self._failure is None else None
            if solving is not None:
                return solving
            self._feeds.popleft().exhausted()
            if self._feeds:
                self._feeds[0].reached()
        return None

    def count(self, problems: int, rows: int) -> None:
        """Count problems as solved, for the next report."""
        self._solved[0] += problems
        self._solved[1] += rows

    @property
    def failure(self) -> BaseException | None:
        """Return why no problem is begun any more, None while all is well."""
        return self._failure

    def fail(self, error: BaseException) -> None:
        """Begin no call and no problem any more; calls in flight go on.  Called in the loop."""
        self._failure = self._failure or error
        for flow in self.flows.values():
            flow.close(self._failure)
        self.ledger.close(self._failure)
        self._next()  # no partition waits for its turn any more

    @property
    def in_flight(self) -> int:
        """Return the calls under way."""
        return sum(flow.gate.in_flight for flow in self.flows.values())

    async def _report(self) -> None:
        while True:
            self.report_now()
            await asyncio.sleep(REPORT_SECONDS)

    def report_now(self) -> None:
        """Report what has been solved and spent."""
        (problems, rows), self._solved = self._solved, [0, 0]
        self._reporter.add("sample", problems=problems, rows=rows)
        if self.flows:
            self._reporter.spend(self.ledger.usage, self.ledger.cost, self.in_flight)

    @property
    def is_idle(self) -> bool:
        """Return whether no partition is open."""
        return not self._partitions

    def drain(self, error: Exception) -> None:
        """Stop, and wait until the calls in flight have ended and are in the journal."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self.fail, error)
        wait(list(self._partitions))  # each ends when its calls have, and closes its journal

    def close(self) -> None:
        """Let go of the clients and end the thread."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        gc.set_threshold(*self._gc_threshold)
        gc.unfreeze()
        LOOPS.discard(self)

    async def _close(self) -> None:
        self._reports.cancel()
        self.report_now()
        for worker in self._workers:
            worker.cancel()
        for flow in self.flows.values():
            await flow.disconnect()


def _have_files(calls: int) -> None:
    """Raise the process's limit of open files where so many connections need it.  Raises UserError where it cannot be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = calls + OTHER_FILES
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UserError(
            f"max_in_flight = {calls} in all needs {needed} open files and this system allows {hard}; "
            "lower max_in_flight, or raise the limit (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _connector(table: PaidTable, name: str, logs: str, shared: bool) -> "Callable[[], Awaitable[Client]]":
    return lambda: table.connect(name, logs, shared)
