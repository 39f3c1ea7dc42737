"""The cap on calls in flight: never exceeded, first come first served, falls and rises, and closes for good."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.teachers.gate import DECREASE, INCREASE, Gate


@given(st.integers(1, 8), st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_never_more_calls_than_the_cap_and_all_come_through_in_order(most: int, pauses: list[int]) -> None:
    gate, seen, order = Gate(most), [], []

    async def call(number: int, pause: int) -> None:
        await gate.enter()
        order.append(number)
        seen.append(gate.in_flight)
        for _ in range(pause):
            await asyncio.sleep(0)
        gate.leave()

    async def all_calls() -> None:
        await asyncio.gather(*(call(number, pause) for number, pause in enumerate(pauses)))

    asyncio.run(all_calls())
    assert order == list(range(len(pauses)))
    assert max(seen) <= most
    assert gate.in_flight == 0


def test_it_halves_once_for_calls_that_were_under_way_together_and_grows_back() -> None:
    gate = Gate(100)
    began = time.monotonic()
    gate.shrink(began)
    gate.shrink(began)
    assert gate.limit == 100 * DECREASE
    gate.shrink(time.monotonic() + 1)
    assert gate.limit == 100 * DECREASE**2
    for _ in range(round((100 - gate.limit) / INCREASE) - 1):
        gate.grow()
    assert gate.limit == 99
    for _ in range(50):
        gate.grow()
    assert gate.limit == 100


def test_it_never_shrinks_to_nothing() -> None:
    gate = Gate(3)
    for later in range(20):
        gate.shrink(time.monotonic() + later + 1)
    assert gate.limit == 1


def test_closing_turns_away_those_who_wait_and_those_who_come_but_not_those_inside() -> None:
    async def scene() -> None:
        gate = Gate(1)
        await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        gate.close(ValueError("gone"))
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(result) for result in results] == ["gone"] * 3
        with pytest.raises(ValueError, match="gone"):
            await gate.enter()
        assert gate.in_flight == 1
        gate.leave()
        assert gate.in_flight == 0

    asyncio.run(scene())


@given(st.integers(0, 5))
def test_one_who_stops_waiting_takes_no_place_away(turns: int) -> None:
    async def scene() -> None:
        gate = Gate(1)
        await gate.enter()
        first, second = asyncio.create_task(gate.enter()), asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        if turns % 2:
            gate.leave()  # the first has been given the place, and does not know it yet
        first.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
        if not turns % 2:
            gate.leave()
        await asyncio.wait_for(second, 5)
        assert gate.in_flight == 1

    asyncio.run(scene())
