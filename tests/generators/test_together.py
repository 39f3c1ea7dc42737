"""Several calls at once: what is paid for is waited for."""

import asyncio

import pytest

from generators.teachers.together import together


async def _brought(value: int, turns: int, done: list[int]) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    done.append(value)
    return value


async def _failed(why: str, turns: int) -> int:
    for _ in range(turns):
        await asyncio.sleep(0)
    raise ValueError(why)


def test_results_stand_in_the_order_of_the_calls() -> None:
    done: list[int] = []

    async def all_of_them() -> list[int]:
        return await together(*(_brought(value, 5 - value, done) for value in range(5)))

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3, 4] and done == [4, 3, 2, 1, 0]
    assert asyncio.run(together()) == []


def test_a_failure_is_raised_when_the_others_have_ended() -> None:
    done: list[int] = []

    async def some_fail() -> list[int]:
        return await together(_brought(1, 3, done), _failed("first", 2), _brought(2, 9, done), _failed("second", 0))

    with pytest.raises(ValueError, match="first"):
        asyncio.run(some_fail())
    assert done == [1, 2]
