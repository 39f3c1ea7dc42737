"""A model that vLLM runs: inside this process, or as a server that is started and stopped with the run."""

import asyncio
import importlib.util
import os
from typing import Literal

from pydantic import Field, field_validator

from generators.teachers.client import Client, PaidTable
from generators.teachers.model_files import fingerprint
from schemas.errors import UserError
from schemas.recipe import Table

RESERVED = {
    "model": "model = … of the teacher says it",
    "revision": "revision = … of the teacher says it",
    "served_model_name": "the server takes the teacher's model",
    "hf_token": "a key has no place in a recipe: export HF_TOKEN=…",
}
# Engine arguments that decide how fast and where vLLM runs, not what it answers but for rounding.  All others count as deciding.
OPERATIONAL = frozenset(
    {
        *("api_process_count", "api_process_rank", "async_scheduling", "collect_detailed_traces", "cpu_offload_gb"),
        *("cudagraph_capture_sizes", "data_parallel_size", "device_ids", "disable_custom_all_reduce", "disable_log_stats"),
        *("distributed_executor_backend", "download_dir", "enable_chunked_prefill", "enable_log_requests"),
        *("enable_prefix_caching", "enforce_eager", "gpu_memory_utilization", "kv_cache_memory_bytes", "log_level"),
        *("max_cudagraph_capture_size", "max_num_batched_tokens", "max_num_seqs", "max_parallel_loading_workers"),
        *("num_gpu_blocks_override", "numa_bind", "pipeline_parallel_size", "renderer_num_workers", "shutdown_timeout"),
        *("stream_interval", "tensor_parallel_size", "use_tqdm_on_load"),
    }
)


class VllmTable(PaidTable):
    """`[teacher.NAME]` with kind = "vllm"."""

    kind: Literal["vllm"]
    run: Literal["engine", "server"] = Field("engine", description="engine: inside this process; server: a process of its own")
    weights: str | None = Field(
        None, description="folder that is loaded in place of `model`; what it holds decides the answers, not where it is"
    )
    engine: Table = Field({}, description="vLLM's own engine arguments, such as max_model_len")
    python: str | None = Field(None, description='for run = "server": the Python of another environment, which has vLLM')
    ready_timeout: float = Field(600.0, gt=0, description="seconds that the server may take to be ready")
    max_in_flight: int = Field(1024, ge=1, le=100_000, description="calls at once, at most")
    timeout: float = Field(3600.0, gt=0, description="seconds that one call may take")
    idle_timeout: float = Field(900.0, gt=0, description='for run = "server": seconds without a byte from it')

    @field_validator("engine")
    @classmethod
    def _is_the_engines(cls, arguments: Table) -> Table:
        for name in arguments:
            if name in RESERVED:
                raise ValueError(f"engine must not hold {name!r}: {RESERVED[name]}")
            if not name.isidentifier() or name.startswith("_"):
                raise ValueError(f"engine holds {name!r}, which is no argument's name: write max_model_len, not --max-model-len")
        return arguments

    def identity(self) -> Table:
        """Return what decides the answers, with a fingerprint of a local model's files; not where and how fast it runs."""
        deciding = {name: value for name, value in self.engine.items() if name not in OPERATIONAL}
        files = {"files": fingerprint(self.loaded)} if os.path.isdir(self.loaded) else {}
        return {**super().identity(), "engine": deciding, **files}

    @property
    def loaded(self) -> str:
        """Return the folder or name of what is loaded."""
        return self.weights or self.model

    def check_key(self, name: str) -> None:
        """Raise UserError where vLLM or the weights are not there; it needs no key."""
        if self.weights is not None and not os.path.isdir(self.weights):
            raise UserError(
                f"[teacher.{name}] weights = {self.weights!r} is no folder; name one that holds a model, or remove weights"
            )
        if self.python is not None and self.run == "engine":
            raise UserError(f'[teacher.{name}] python = {self.python!r} is for run = "server"; add it, or remove python')
        if self.python is not None and not os.access(self.python, os.X_OK):
            raise UserError(f"[teacher.{name}] python = {self.python!r}: no program is there; name an environment's bin/python")
        if self.python is None and importlib.util.find_spec("vllm") is None:
            raise UserError(
                f'[teacher.{name}] kind = "vllm" needs vLLM, which is not installed; '
                "pip install 'starbeam[vllm]', or -e '.[vllm]' in its folder"
            )

    async def connect(self, name: str, folder: str, shared: bool) -> Client:
        """Return the client: of this process's engine, or, where processes share the machine, of one server for all.

        Raises UserError where vLLM, an argument or the model does not serve, RunError where vLLM does not start.
        """
        self.check_key(name)
        await asyncio.to_thread(os.makedirs, folder, exist_ok=True)
        log = os.path.abspath(os.path.join(folder, f"vllm-{name}.log"))
        if self.run == "engine" and not shared:
            from generators.teachers.vllm_client import engine_client  # vLLM itself is imported when an engine starts

            return await engine_client(self, self.loaded, name, self.engine, log, self.timeout)
        from generators.teachers.vllm_server import server_client

        timeouts = (self.timeout, self.idle_timeout)
        return await server_client(
            self, self.loaded, name, self.engine, log, python=self.python, ready=self.ready_timeout, timeouts=timeouts
        )
