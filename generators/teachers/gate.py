"""How many calls may be under way at once: a cap that falls when the teacher asks for less and rises again."""

import asyncio
import collections
import time

# Additive increase, multiplicative decrease (Chiu and Jain 1989, Computer Networks 17; TCP's rule): halve at a sign of congestion,
# once for all calls that were under way together, and grow again with each call that succeeds.
DECREASE = 0.5
# A tenth of a call a success: back from half of 500 calls after 2,500 successes, that is five rounds of them.
INCREASE = 0.1


class Gate:
    """A cap on calls in flight.  Calls wait in the order in which they came.  Used from one event loop."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.in_flight = 0
        self._limit = float(most)
        self._shrunk = float("-inf")  # the moment of the last decrease
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()
        self._closed: BaseException | None = None

    @property
    def limit(self) -> int:
        """Return the calls that may be under way at once now."""
        return int(self._limit)

    async def enter(self) -> None:
        """Wait for a place.  Raises what `close` was told, when it is."""
        if self._closed is not None:
            raise self._closed
        if self.in_flight >= self.limit or self._waiting:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place  # the place is counted by whoever gives it
            except asyncio.CancelledError:
                if place.done() and not place.cancelled() and place.exception() is None:
                    self.leave()
                raise
        else:
            self.in_flight += 1

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    def grow(self) -> None:
        """Note a success."""
        if self._limit < self.most:
            self._limit = min(self._limit + INCREASE, float(self.most))
            self._admit()

    def shrink(self, began: float) -> None:
        """Note a sign of congestion on a call that began at a moment of time.monotonic().

        Calls that began before the last decrease say nothing of the cap as it is now.
        """
        if began > self._shrunk:
            self._limit = max(1.0, self._limit * DECREASE)
            self._shrunk = time.monotonic()

    def close(self, error: BaseException) -> None:
        """Let nobody in any more: all who wait and come get `error`.  Calls in flight go on."""
        self._closed = self._closed or error
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(self._closed)
