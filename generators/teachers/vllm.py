"""A model that vLLM serves: in this process, or by a server that is started and stopped with the run."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from generators.teachers.client import Client, PaidTable
from schemas.recipe import Table


class VllmTable(PaidTable):
    kind: Literal["vllm"]
    run: Literal["engine", "server"] = "engine"
    engine: Table = Field({})
    max_in_flight: int = 1024
    timeout: float = 3600.0

    async def connect(self, name: str, folder: str, shared: bool) -> Client:
        from generators.teachers.vllm_engine import engine_client

        return await engine_client(self, name, self.engine, str(Path(folder) / f"vllm-{name}.log"), self.timeout)
