"""Several calls at once."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def together(*calls: Awaitable[T]) -> list[T]:
    """Return what all calls bring.  Waits for all of them, also when one fails, for they are paid for; then raises its error."""
    if len(calls) == 1:  # by far the most common, and a task of its own costs
        return [await calls[0]]
    results = await asyncio.gather(*calls, return_exceptions=True)
    brought = [one for one in results if not isinstance(one, BaseException)]
    for one in results:
        if isinstance(one, BaseException):
            raise one
    return brought
