"""The way of a call: tried again, given up, stopped; each for its own reason and never without end."""

import asyncio
import itertools
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from generators.teachers.client import Choice, PaidTable, Refused, Reply, Request, Sampling, Transient
from generators.teachers.flow import Flow
from schemas.errors import RunError, UserError
from schemas.sample import Message

REPLY = Reply((Choice("42"),), 3, 4)
REQUEST = Request((Message("user", "What is 6 × 7?"),), Sampling(), 1, None)


class Scripted:
    """Does what it is told, call by call: raises an exception, returns a reply."""

    def __init__(self, script: Iterable[Exception | Reply]) -> None:
        self._script = iter(script)
        self.calls: list[float] = []

    async def ask(self, request: Request) -> Reply:
        self.calls.append(time.monotonic())
        await asyncio.sleep(0)
        step = next(self._script)
        if isinstance(step, Exception):
            raise step
        return step

    async def close(self) -> None:
        pass


def _flow(script: Iterable[Exception | Reply], **keys: Any) -> tuple[Flow, Scripted]:
    client = Scripted(script)

    async def connect() -> Scripted:
        return client

    table = PaidTable.model_validate({"kind": "test", "model": "m", **keys}, strict=False)
    return Flow("main", table, connect), client


def _run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.teachers.flow._jittered", lambda state: 0.001 * state.attempt_number)


def _ignore(reply: Reply) -> None:
    pass


def test_a_call_that_fails_is_tried_again_and_what_was_billed_is_told() -> None:
    billed: list[Reply] = []
    flow, client = _flow([Transient("500"), Transient("empty", billed=REPLY), Transient("reset"), REPLY])

    async def scene() -> None:
        assert (await flow.ask(REQUEST, billed.append)).reply == REPLY

    _run(scene)
    assert len(client.calls) == 4 and billed == [REPLY]


def test_a_call_is_given_up_after_its_attempts_where_others_succeed() -> None:
    bad, client = _flow(itertools.chain([REPLY], itertools.repeat(Transient("500: broken"))), attempts=3)

    async def alone() -> None:
        await bad.ask(REQUEST, _ignore)
        failing = asyncio.create_task(bad.ask(REQUEST, _ignore))
        while not failing.done():
            bad._succeeded = time.monotonic()  # others do
            await asyncio.sleep(0)
        with pytest.raises(Transient, match="500: broken"):
            failing.result()

    _run(alone)
    assert len(client.calls) == 1 + 3


def test_a_teacher_that_never_answers_again_stops_the_run() -> None:
    flow, _ = _flow(itertools.chain([REPLY], itertools.repeat(Transient("503 from there"))), patience=0.1, attempts=2)

    async def scene() -> None:
        await flow.ask(REQUEST, _ignore)
        with pytest.raises(RunError, match=r"\[teacher\.main\] every call has failed for .* 503 from there"):
            await flow.ask(REQUEST, _ignore)
        with pytest.raises(RunError):  # and no call is begun any more
            await flow.ask(REQUEST, _ignore)

    _run(scene)


def test_a_prompt_that_always_fails_is_given_up_even_where_nothing_else_is_asked() -> None:
    flow, client = _flow(itertools.repeat(Transient("500: this prompt", answered=True)), attempts=3, patience=0.0)

    async def scene() -> None:
        for _ in range(31):
            with pytest.raises(Transient, match="this prompt"):
                await flow.ask(REQUEST, _ignore)
        with pytest.raises(RunError, match=r"32 calls in a row were given up, the last one so: 500: this prompt"):
            await flow.ask(REQUEST, _ignore)

    _run(scene)
    assert len(client.calls) == 32 * 3


def test_refusals_of_a_teacher_that_has_answered_before_are_their_prompts_own() -> None:
    flow, _ = _flow(itertools.repeat(Refused("request_refused", "400: content filter")))
    flow._has_answered = True

    async def scene() -> None:
        for _ in range(50):
            with pytest.raises(Refused):
                await flow.ask(REQUEST, _ignore)

    _run(scene)


def test_a_long_wait_that_one_call_is_told_stops_nothing_while_others_succeed() -> None:
    flow, _ = _flow([REPLY, Transient("429", retry_after=4000), REPLY], patience=0.3)

    async def scene() -> None:
        await flow.ask(REQUEST, _ignore)
        assert (await flow.ask(REQUEST, _ignore)).reply == REPLY

    _run(scene)


def test_a_teacher_that_is_away_for_less_than_its_patience_costs_nobody_a_sample() -> None:
    flow, client = _flow([REPLY, *[Transient("reset")] * 30, REPLY], patience=20, attempts=2)

    async def scene() -> None:
        await flow.ask(REQUEST, _ignore)
        assert (await flow.ask(REQUEST, _ignore)).reply == REPLY

    _run(scene)
    assert len(client.calls) == 32


def test_a_server_that_was_never_there_is_the_user_s_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generators.teachers.flow.NEVER_ANSWERED_SECONDS", 0.05)
    flow, _ = _flow(itertools.repeat(Transient("cannot connect to http://x: refused", unreachable=True)))

    async def scene() -> None:
        with pytest.raises(UserError, match=r"\[teacher\.main\] cannot connect to http://x: refused; start the server"):
            await flow.ask(REQUEST, _ignore)

    _run(scene)


def test_a_server_is_asked_again_no_sooner_than_it_says() -> None:
    flow, client = _flow([Transient("429", slow_down=True, retry_after=0.2), REPLY])

    async def scene() -> None:
        await flow.ask(REQUEST, _ignore)

    _run(scene)
    assert client.calls[1] - client.calls[0] >= 0.2
    assert flow.gate.limit < 256


def test_to_be_told_to_wait_longer_than_the_patience_stops_the_run() -> None:
    flow, _ = _flow([Transient("429", retry_after=86_400)], patience=300)

    async def scene() -> None:
        with pytest.raises(RunError, match="it asks to wait 86,400 seconds, more than its patience = 300"):
            await flow.ask(REQUEST, _ignore)

    _run(scene)


def test_one_refused_prompt_is_its_own_trouble_and_only_refusals_are_everybody_s() -> None:
    refusal = Refused("request_refused", "400: no such parameter")
    flow, _ = _flow([REPLY, *[refusal] * 50])

    async def after_a_reply() -> None:
        await flow.ask(REQUEST, _ignore)
        for _ in range(50):
            with pytest.raises(Refused):
                await flow.ask(REQUEST, _ignore)

    _run(after_a_reply)
    never, _client = _flow(itertools.repeat(refusal))

    async def before_any() -> None:
        for _ in range(7):
            with pytest.raises(Refused):
                await never.ask(REQUEST, _ignore)
        with pytest.raises(UserError, match=r"its first 8 requests were all refused, .* no such parameter; mend"):
            await never.ask(REQUEST, _ignore)

    _run(before_any)
    long, _ = _flow([Refused("prompt_too_long", "400")] * 20)

    async def too_long() -> None:
        for _ in range(20):
            with pytest.raises(Refused):
                await long.ask(REQUEST, _ignore)

    _run(too_long)


def test_closing_ends_those_who_wait_for_a_try_a_rate_or_a_place() -> None:
    for script, keys in (
        ([Transient("429", retry_after=100)], {}),
        ([REPLY, REPLY], {"requests_per_minute": 0.5}),
        ([REPLY, REPLY], {"tokens_per_minute": 6.0}),
    ):
        flow, _ = _flow(script, **keys)

        async def scene(flow: Flow = flow) -> None:
            waiting = [asyncio.create_task(flow.ask(REQUEST, _ignore)) for _ in range(2)]
            await asyncio.sleep(0.05)
            flow.close(RunError("stopped"))
            results = await asyncio.gather(*waiting, return_exceptions=True)
            assert any(isinstance(result, RunError) for result in results)
            assert flow.gate.in_flight == 0

        _run(scene)


@pytest.mark.load
@pytest.mark.parametrize(("rate", "calls"), [(600, 15), (60 * 50, 60)])
def test_no_more_calls_than_the_rate_allows(rate: float, calls: int) -> None:
    flow, client = _flow(itertools.repeat(REPLY), requests_per_minute=rate)

    async def scene() -> None:
        await asyncio.gather(*(flow.ask(REQUEST, _ignore) for _ in range(calls)))

    _run(scene)
    burst = max(1.0, rate / 60)
    for first, last in itertools.combinations(range(calls), 2):
        seconds = client.calls[last] - client.calls[first]
        assert last - first + 1 <= burst + seconds * rate / 60 + 1.5  # a call that is let through begins a moment later
