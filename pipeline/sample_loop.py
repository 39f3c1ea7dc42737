"""The event loop of a worker process in which problems are solved: thousands at once, over as many partitions as that takes."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from typing import Any

import uvloop

from generators.journal import Spent
from generators.teachers.client import Client, PaidTable
from generators.teachers.flow import Flow
from generators.teachers.ledger import Ledger
from pipeline.progress import Reporter

# Open problems a call in flight: while some wait to be tried again, or for a partition to be opened, others keep the cap full.
PROBLEMS_PER_CALL = 2
FREE_PROBLEMS = 64  # open problems beside: free teachers never wait, so few are enough
REPORT_SECONDS = 0.5

LOOPS: "weakref.WeakSet[SampleLoop]" = weakref.WeakSet()  # of this process, for `drain`


class SampleLoop:
    """A thread with an event loop, the flows of the paid teachers and their ledger; one a DoFn, closed with it."""

    def __init__(
        self, tables: Mapping[str, PaidTable], budget: float | None, spent: Spent, reporter: Reporter, logs: str, shared: bool
    ) -> None:
        prices = {name: table.price for name, table in tables.items() if table.price is not None}
        self.ledger = Ledger(prices, budget, spent)
        self.flows = {name: Flow(name, table, _connector(table, name, logs, shared)) for name, table in tables.items()}
        calls = sum(table.max_in_flight for table in tables.values())
        self.window = asyncio.Semaphore(FREE_PROBLEMS + PROBLEMS_PER_CALL * calls)
        self._reporter = reporter
        self._failure: BaseException | None = None
        self.held = 0  # bytes of samples that wait for the rest of their partitions
        self._solved = [0, 0]  # problems and samples since the last report
        self._partitions: set[Future[int]] = set()
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

    @property
    def in_flight(self) -> int:
        """Return the calls under way."""
        return sum(flow.gate.in_flight for flow in self.flows.values())

    async def _report(self) -> None:
        while True:
            self._report_once()
            await asyncio.sleep(REPORT_SECONDS)

    def _report_once(self) -> None:
        (problems, rows), self._solved = self._solved, [0, 0]
        self._reporter.add("sample", problems=problems, rows=rows)
        if self.flows:
            self._reporter.spend(self.ledger.usage, self.ledger.cost, self.in_flight)

    def drain(self, error: BaseException) -> None:
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
        LOOPS.discard(self)

    async def _close(self) -> None:
        self._reports.cancel()
        self._report_once()
        for flow in self.flows.values():
            await flow.disconnect()


def _connector(table: PaidTable, name: str, logs: str, shared: bool) -> "Callable[[], Awaitable[Client]]":
    return lambda: table.connect(name, logs, shared)
