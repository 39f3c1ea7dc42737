"""The watch over calls: it ends those that are late, and no others, and leaves their tasks as they were."""

import asyncio

from generators.teachers.openai import Watch


def test_a_late_call_is_ended_and_its_task_goes_on_while_others_are_left_alone() -> None:
    async def call(watch: Watch, seconds: float) -> tuple[bool, int]:
        task = watch.begin()
        ended = False
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended = watch.end(task)
            assert ended
        finally:
            watch.end(task)
        await asyncio.sleep(0.01)  # the task is not cancelled any more
        return ended, task.cancelling()

    async def scene() -> None:
        watch = Watch(0.3)
        results = await asyncio.wait_for(asyncio.gather(*(call(watch, seconds) for seconds in (0.0, 60.0, 0.05, 60.0))), 20)
        assert results == [(False, 0), (True, 0), (False, 0), (True, 0)]
        assert await call(watch, 60.0) == (True, 0)  # the timer begins anew

    asyncio.run(scene())


def test_a_cancellation_by_others_stays_one() -> None:
    async def scene() -> None:
        watch = Watch(30.0)

        async def call() -> bool:
            task = watch.begin()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return watch.end(task)
            return True

        task = asyncio.create_task(call())
        await asyncio.sleep(0)
        task.cancel()
        assert await task is False

    asyncio.run(scene())
