"""The way of a call to its teacher: a place in flight, the rates, tries, and the moment when the teacher counts as gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import aiolimiter
import tenacity

from generators.teachers.client import Client, PaidTable, Refused, Reply, Request, Transient
from generators.teachers.gate import Gate
from schemas.errors import RunError, UserError

FIRST_BACKOFF_SECONDS = 0.5  # before jitter, doubled with each try; OpenAI's own client begins so
MAX_BACKOFF_SECONDS = 30.0
# A server that never answered is probably not there or another one: longer waiting helps nobody.  Three tries of one call take
# 1.5 seconds at most.
NEVER_ANSWERED_SECONDS = 5.0
GIVEN_UP_IN_A_ROW = 32  # each after `attempts` tries over a minute or two: so many prompts are not all at fault
REFUSALS_BEFORE_ANY_REPLY = 8  # so many prompts are not all bad: the request itself is
BYTES_PER_TOKEN = 4.0  # of English in today's vocabularies, about; only a guess until the first reply is counted
GUESSED_COMPLETION = 512  # tokens, where nothing bounds a completion and none has been seen


class Answer(NamedTuple):
    """A reply, and the seconds from the request to it."""

    reply: Reply
    seconds: float


class Flow:
    """Asks one client, many requests at once.  One a process and teacher; used from one event loop."""

    def __init__(
        self,
        name: str,
        table: PaidTable,
        connect: Callable[[], Awaitable[Client]],
        widen: Callable[[int], None] = lambda calls: None,
        has_answered: bool = False,
    ) -> None:
        self.name = name
        self.gate = Gate(table.max_in_flight)
        self._table = table
        self._connect = connect
        self._widen = widen  # told of each call that begins (1) or ends (-1) to wait for its next try
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._requests = _limiter(table.requests_per_minute)
        self._tokens = _limiter(table.tokens_per_minute)
        self._tokens_used = self._tokens_guessed = 0.0
        self._closed = asyncio.Event()
        self._closing: BaseException | None = None
        self._succeeded: float | None = None  # the moment of the last reply
        self._failing: float | None = None  # the moment of the first failure after it
        self._has_answered = has_answered  # in this run or, by the journal, before
        self._refusals = 0
        self._given_up = 0  # calls since the last success

    async def ask(self, request: Request, billed: Callable[[Reply], None]) -> Answer:
        """Return the reply; a reply of no use that was billed on the way is told to `billed`.

        Raises Transient where the last try failed while others succeeded, Refused where no try helps, RunError where the
        teacher is gone, UserError where its table must be mended, and what `close` was told.
        """
        try:
            return await self._once(request, billed)
        except Transient as failure:
            return await self._again(request, billed, failure)

    async def _again(self, request: Request, billed: Callable[[Reply], None], failure: Transient) -> Answer:
        failures = [failure]
        since = time.monotonic()

        async def attempt() -> Answer:
            if failures:  # the first try has been made
                raise failures.pop()
            return await self._once(request, billed)

        def gives_up(state: tenacity.RetryCallState) -> bool:
            failure = state.outcome.exception() if state.outcome is not None else None
            is_its_own = isinstance(failure, Transient) and failure.answered
            others_succeed = self._succeeded is not None and self._succeeded > since
            return state.attempt_number >= self._table.attempts and (others_succeed or is_its_own)

        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Transient), stop=gives_up, wait=self._wait, sleep=self._pause, reraise=True
        )
        try:
            return await retrying(attempt)
        except Transient as last:
            self._note_given_up(last)
            raise

    def _note_given_up(self, failure: Transient) -> None:
        """Stop the run where call after call is given up and none succeeds."""
        self._given_up += 1
        if self._given_up >= GIVEN_UP_IN_A_ROW:
            error = RunError(
                f"[teacher.{self.name}] {self._given_up} calls in a row were given up, the last one so: {failure}; "
                "what was answered is in the journal"
            )
            self.close(error)
            raise error from failure

    async def _once(self, request: Request, billed: Callable[[Reply], None]) -> Answer:
        await self.gate.enter()
        began = time.monotonic()
        try:
            client = self._client or await self._connected()
            if self._requests is not None or self._tokens is not None:
                await self._or_closed(self._keep_to_rates(request))
                began = time.monotonic()
            reply = await client.ask(request)
        except Transient as failure:
            if failure.billed is not None:
                billed(failure.billed)
            if failure.slow_down:
                self.gate.shrink(began)
            self._failed(failure)
            raise
        except Refused as refusal:
            self._refused(refusal)
            raise
        except (UserError, RunError) as error:
            self.close(error)
            raise
        finally:
            self.gate.leave()
        now = time.monotonic()
        self._succeeded, self._failing, self._has_answered, self._given_up = now, None, True, 0
        self.gate.grow()
        if self._tokens is not None:
            self._tokens_used += reply.prompt_tokens + reply.completion_tokens
            self._tokens_guessed += _guess(request)
        return Answer(reply, now - began)

    async def _connected(self) -> Client:
        async with self._connecting:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _keep_to_rates(self, request: Request) -> None:
        if self._requests is not None:
            await self._requests.acquire()
        if self._tokens is not None:
            ratio = self._tokens_used / self._tokens_guessed if self._tokens_used else 1.0
            left = _guess(request) * ratio
            while left > 0:
                piece = min(left, self._tokens.max_rate)
                await self._tokens.acquire(piece)
                left -= piece

    def _failed(self, failure: Transient) -> None:
        """Stop the run where every call has failed for too long."""
        if failure.answered:
            return
        now = time.monotonic()
        self._failing = now if self._failing is None else self._failing
        unknown = failure.unreachable and self._succeeded is None
        patience = min(NEVER_ANSWERED_SECONDS, self._table.patience) if unknown else self._table.patience
        is_quiet = self._succeeded is None or now - self._succeeded > patience
        wait = (failure.retry_after or 0.0) if is_quiet else 0.0
        if now - self._failing < patience and wait <= patience:
            return
        if wait > patience:
            why = f"it asks to wait {wait:,.0f} seconds, more than its patience = {self._table.patience:g}"
        else:
            why = f"every call has failed for {now - self._failing:,.0f} seconds, the last one so: {failure}"
        if unknown:
            error: Exception = UserError(f"[teacher.{self.name}] {failure}; start the server, or mend base_url")
        else:
            error = RunError(f"[teacher.{self.name}] {why}; what was answered is in the journal")
        self.close(error)
        raise error from failure

    def _refused(self, refusal: Refused) -> None:
        """Stop the run where the first requests are all refused, and not for their length."""
        if self._has_answered or refusal.reason == "prompt_too_long":
            return
        self._refusals += 1
        if self._refusals >= REFUSALS_BEFORE_ANY_REPLY:
            error = UserError(
                f"[teacher.{self.name}] its first {self._refusals} requests were all refused, the last one so: {refusal}; "
                "mend sampling, extra_body, api or seeded"
            )
            self.close(error)
            raise error from refusal

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds before the next try: what the server asks for, and never less than a jittered back-off."""
        failure = state.outcome.exception() if state.outcome is not None else None
        asked = failure.retry_after if isinstance(failure, Transient) else None
        return max(_jittered(state), min(asked or 0.0, self._table.patience))

    async def _pause(self, seconds: float) -> None:
        self._widen(1)
        try:
            await self._or_closed(asyncio.sleep(seconds))
        finally:
            self._widen(-1)

    async def _or_closed(self, waiting: Awaitable[None]) -> None:
        """Wait for something, or raise what `close` was told."""
        task = asyncio.ensure_future(waiting)
        closed = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait((task, closed), return_when=asyncio.FIRST_COMPLETED)
            if self._closing is not None:
                raise self._closing
            task.result()
        finally:
            task.cancel()
            closed.cancel()

    def close(self, error: BaseException) -> None:
        """Begin no call any more; whoever waits gets `error`.  Calls in flight go on, because they are paid for."""
        self._closing = self._closing or error
        self.gate.close(self._closing)
        self._closed.set()

    async def disconnect(self) -> None:
        """Let go of the client."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _limiter(a_minute: float | None) -> aiolimiter.AsyncLimiter | None:
    """Return a limiter that lets a second's worth through at once, or one; with a minute's worth the first would have two."""
    if a_minute is None:
        return None
    burst = max(1.0, a_minute / 60)
    return aiolimiter.AsyncLimiter(burst, 60 * burst / a_minute)


def _guess(request: Request) -> float:
    """Return the tokens that a request may use, before anything is known."""
    prompt = sum(len(message.content.encode()) for message in request.messages) / BYTES_PER_TOKEN
    return prompt + request.n * (request.sampling.bound or GUESSED_COMPLETION)


_jittered = tenacity.wait_random_exponential(multiplier=FIRST_BACKOFF_SECONDS, max=MAX_BACKOFF_SECONDS)
