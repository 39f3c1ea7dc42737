"""What teachers have cost, and a budget that is never exceeded."""

import asyncio
import collections
from collections.abc import Mapping

from generators.journal import Spent, Usage
from generators.teachers.client import Price, Reply
from schemas.errors import UserError


def cost_of(spent: Spent, prices: Mapping[str, Price]) -> float:
    """Return the money that usage comes to; a teacher without a price costs nothing."""
    return sum(
        prices[teacher].of(usage.prompt_tokens, usage.completion_tokens)
        for (teacher, _), usage in spent.items()
        if teacher in prices
    )


class Ledger:
    """Counts usage by teacher and role, and holds calls back that might exceed the budget.

    One a process; used from one event loop.  A call is let through when what has been spent, what the calls under way may
    cost at most, and what it may cost itself fit the budget together.  Else it waits for one of those to end.
    """

    def __init__(self, prices: Mapping[str, Price], budget: float | None, before: Spent) -> None:
        self.usage: Spent = dict(before)
        self.cost = cost_of(before, prices)
        self._prices = prices
        self._budget = budget
        self._held = 0.0  # money
        self._calls = 0  # that it is held for
        self._closed: BaseException | None = None
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()

    @property
    def has_budget(self) -> bool:
        """Return whether calls must be held for."""
        return self._budget is not None

    async def hold(self, teacher: str, prompt_tokens: float, completion_tokens: float) -> float:
        """Return the money now held for a call that may use so many tokens.  Raises UserError where no more fits the budget.

        Only where there is a budget.
        """
        assert self._budget is not None
        most = self._prices[teacher].of(prompt_tokens, completion_tokens)
        while self.cost + self._held + most > self._budget:
            if self._closed is not None:
                raise self._closed
            if not self._calls:
                raise UserError(
                    f"budget = {self._budget:g}: {self.cost:.6g} is spent and the next call may cost {most:.6g}; raise the budget "
                    "and run the same command: what was paid for is in the journal, and nothing is paid twice"
                )
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(settled)
            await settled
        self._held += most
        self._calls += 1
        return most

    def settle(self, held: float) -> None:
        """Let go of the money held for a call that has ended."""
        if self._budget is None:
            return
        self._calls -= 1
        self._held = self._held - held if self._calls else 0.0  # what a sum of differences leaves behind is rounding
        self._wake()

    def close(self, error: BaseException) -> None:
        """Have those who wait get `error`."""
        self._closed = self._closed or error
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)

    def pay(self, teacher: str, role: str, reply: Reply) -> None:
        """Count a reply."""
        before = self.usage.get((teacher, role), Usage())
        self.usage[teacher, role] = Usage(
            before.calls + 1, before.prompt_tokens + reply.prompt_tokens, before.completion_tokens + reply.completion_tokens
        )
        if teacher in self._prices:
            self.cost += self._prices[teacher].of(reply.prompt_tokens, reply.completion_tokens)
