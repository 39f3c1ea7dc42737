"""The budget: what is spent and what may be spent never exceed it together, and what fits is let through."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.teachers.client import Price, Reply
from generators.teachers.ledger import Ledger, cost_of
from schemas.errors import UserError

PRICES = {"main": Price(input=1.0, output=4.0)}  # millionths of a unit a token
CALLS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 3)), max_size=30)


@given(st.integers(1, 2000), CALLS, st.integers(0, 1000))
def test_no_order_of_calls_spends_more_than_the_budget(budget: int, calls: list[tuple[int, int, int]], seed: int) -> None:
    """Each call uses up to what was held for it, and ends after a few turns of the loop."""
    ledger = Ledger(PRICES, budget / 1e6, {})
    rng = random.Random(seed)
    refused = []

    async def call(prompt: int, completion: int, turns: int) -> None:
        try:
            held = await ledger.hold("main", prompt, completion)
        except UserError:
            refused.append((prompt, completion))
            return
        for _ in range(turns):
            await asyncio.sleep(0)
        ledger.pay("main", "sample", Reply((), rng.randint(0, prompt), rng.randint(0, completion)))
        ledger.settle(held)
        assert ledger.cost * 1e6 <= budget + 1e-6

    async def all_calls() -> None:
        await asyncio.wait_for(asyncio.gather(*(call(*one) for one in calls)), 20)

    asyncio.run(all_calls())
    for prompt, completion in refused:  # nothing is under way any more, and it does not fit: the refusal was no hurry
        assert ledger.cost * 1e6 + prompt + 4 * completion > budget - 1e-6
    assert ledger.cost == pytest.approx(cost_of(ledger.usage, PRICES))


@pytest.mark.parametrize("seed", range(4))
def test_rounding_never_leaves_a_call_waiting_for_nobody(seed: int) -> None:
    """Prices as in yen: sums of thousands of held amounts leave residues that no absolute bound catches."""
    rng = random.Random(seed)
    ledger = Ledger({"main": Price(input=150.7, output=750.3)}, 6000.0, {})

    async def call() -> bool:
        try:
            held = await ledger.hold("main", rng.randint(1, 900), 20_000)
        except UserError:
            return False
        await asyncio.sleep(0)
        ledger.pay("main", "sample", Reply((), 100, rng.randint(1, 20_000)))
        ledger.settle(held)
        return True

    async def all_calls() -> list[bool]:
        return await asyncio.wait_for(asyncio.gather(*(call() for _ in range(3000))), 30)

    assert set(asyncio.run(all_calls())) == {True, False}
    assert ledger.cost <= 6000


def test_those_who_wait_are_told_when_the_run_stops() -> None:
    async def scene() -> None:
        ledger = Ledger(PRICES, 60e-6, {})
        await ledger.hold("main", 50, 0)
        waiting = asyncio.create_task(ledger.hold("main", 50, 0))
        await asyncio.sleep(0)
        ledger.close(ValueError("stopped"))
        with pytest.raises(ValueError, match="stopped"):
            await asyncio.wait_for(waiting, 5)

    asyncio.run(scene())


def test_what_was_spent_before_counts() -> None:
    before = Ledger(PRICES, None, {})
    before.pay("main", "sample", Reply((), 10, 10))
    ledger = Ledger(PRICES, 60e-6, before.usage)
    assert ledger.cost * 1e6 == pytest.approx(50)
    assert asyncio.run(ledger.hold("main", 10, 0)) * 1e6 == pytest.approx(10)
    with pytest.raises(UserError, match=r"budget = 6e-05: 5e-05 is spent .*raise the budget"):
        asyncio.run(Ledger(PRICES, 60e-6, before.usage).hold("main", 11, 0))


def test_usage_is_counted_by_teacher_and_role_also_without_a_price() -> None:
    ledger = Ledger({}, None, {})
    for role in ("sample", "judge", "judge"):
        ledger.pay("main", role, Reply((), 3, 2))
    assert ledger.usage == {("main", "sample"): (1, 3, 2), ("main", "judge"): (2, 6, 4)}
    assert ledger.cost == 0
