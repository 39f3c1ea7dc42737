"""The client of the vLLM engine of this process: one engine for all who ask for the same, closed with the last of them."""

import asyncio
import json
import threading
from collections.abc import Callable

from generators.teachers.client import PaidTable, Reply, Request, Transient
from generators.teachers.vllm_engine import Engine
from schemas.errors import UserError
from schemas.recipe import Table


class _Shared:
    """An engine with the number of its users."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.users = 0


_engines: dict[str, _Shared] = {}  # of this process
_lock = threading.Lock()


def _acquire(key: str, make: Callable[[], Engine]) -> Engine:
    with _lock:
        shared = _engines.get(key)
        if shared is None:
            shared = _engines[key] = _Shared(make())
        shared.users += 1
        return shared.engine


def _release(key: str) -> None:
    with _lock:
        shared = _engines[key]
        shared.users -= 1
        if not shared.users:
            del _engines[key]
            shared.engine.close()


class EngineClient:
    """Asks the engine of this process."""

    def __init__(self, engine: Engine, table: PaidTable, key: str, timeout: float) -> None:
        self._engine = engine
        self._table = table
        self._key: str | None = key
        self._timeout = timeout

    async def ask(self, request: Request) -> Reply:
        """Return the reply.  Raises Transient where it takes too long, Refused, and RunError where the engine is dead."""
        job = self._engine.submit(request, None if self._table.api == "chat" else self._table.text_of(request.messages))
        try:
            async with asyncio.timeout(self._timeout):
                return await job.future
        except TimeoutError as error:
            raise Transient(f"no answer of the vLLM engine within {self._timeout:g} s", slow_down=True) from error
        finally:
            if job.future.cancelled():
                self._engine.cancel(job)

    async def close(self) -> None:
        """Let go of the engine; the last of its users ends it."""
        key, self._key = self._key, None
        if key is not None:
            await asyncio.to_thread(_release, key)


async def engine_client(table: PaidTable, model: str, name: str, arguments: Table, log: str, timeout: float) -> EngineClient:
    """Return a client of this process's engine for a model, started where there is none.

    Raises UserError where the arguments or the model's chat template do not serve, RunError where vLLM does not start.
    """
    revision = table.revision if model == table.model else None  # it is the model's, not that of weights in its place
    key = json.dumps([model, revision, arguments], sort_keys=True)
    engine = await asyncio.to_thread(_acquire, key, lambda: Engine(model, revision, arguments, log))
    client = EngineClient(engine, table, key, timeout)
    if table.api == "chat" and (error := await asyncio.to_thread(engine.check_chat)) is not None:
        await client.close()
        said = " ".join(str(error).split())[:200]
        raise UserError(
            f'[teacher.{name}] api = "chat": the model {model!r} has no chat template that can be used ({said}); '
            'say api = "completions" and a template'
        )
    return client
