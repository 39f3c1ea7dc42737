"""vLLM inside this process: one engine in a thread of its own, fed by any number of event loops.

The thread drives vLLM's synchronous engine, as `LLM.generate` does, and hands finished replies over once a step.  vLLM's own
async engine is no slower on a quiet machine (`benchmarks/vllm_engine.py` has both), but always computes in a process of its own,
which outlives a parent that is killed.
"""

import asyncio
import atexit
import collections
import contextlib
import dataclasses
import gc
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

from generators.teachers.client import Reply, Request
from generators.teachers.vllm_terms import line_of, logging_to, refusal_of, refuse_unknown, reply_of, set_in
from schemas.errors import RunError, UserError
from schemas.recipe import Table

# Sequences that are inside vLLM at once, in multiples of those that it runs at once: as many wait as can end in one step, and
# the rest is tokenized while the model computes, not before it begins.
AHEAD = 2
CLOSE_SECONDS = 60.0  # to wait for the step under way; then the thread, a daemon, is left to the end of the process


class _Job:
    """One request on its way through the engine."""

    __slots__ = ("future", "loop", "name", "prompt", "request")

    def __init__(self, request: Request, prompt: str | None, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self.prompt = prompt  # None: the chat template makes it of the messages
        self.loop = loop
        self.future: asyncio.Future[Reply] = loop.create_future()
        self.name = ""  # vLLM's own name of it, once it is there


Outcome = Reply | Exception
_living: "set[Engine]" = set()  # engines of this process that have begun to start and not ended
_living_lock = threading.Lock()


class Engine:
    """One vLLM engine and its thread.  `submit` and `cancel` may be called from any thread."""

    def __init__(self, model: str, revision: str | None, arguments: Mapping[str, Any], log: str) -> None:
        self._inbox: queue.SimpleQueue[Callable[[], None] | _Job | None] = queue.SimpleQueue()
        self._waiting: collections.deque[_Job] = collections.deque()
        self._running: dict[str, _Job] = {}
        self._outcomes: list[tuple[_Job, Outcome]] = []  # of this turn
        self._inside = 0  # sequences
        self._count = 0
        self._closing = False
        self._log = log
        self._death: RunError | None = None
        self._ready: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._live, args=(model, revision, arguments), daemon=True, name="vllm-engine")
        self._thread.start()
        failure = self._ready.get()
        if failure is not None:
            self._thread.join()
            raise failure
        atexit.register(self.close)

    def submit(self, request: Request, prompt: str | None) -> _Job:
        """Return the job of a request; its future belongs to the running event loop."""
        job = _Job(request, prompt, asyncio.get_running_loop())
        self._inbox.put(job)
        return job

    def cancel(self, job: _Job) -> None:
        """Spend nothing more on a job."""
        self._inbox.put(lambda: self._abort(job))

    def check_chat(self) -> Exception | None:
        """Return why the model's chat template cannot be used, None where it can."""
        answer: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

        def probe() -> None:
            try:
                self._rendered_chat([{"role": "user", "content": "?"}])
                answer.put(None)
            except Exception as error:
                answer.put(error)

        self._inbox.put(probe)
        return answer.get()

    def close(self) -> None:
        """End the engine; what is under way fails."""
        atexit.unregister(self.close)
        self._inbox.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _live(self, model: str, revision: str | None, arguments: Mapping[str, Any]) -> None:
        try:
            self._start(model, revision, arguments)
        except BaseException as error:
            with _living_lock:
                _living.discard(self)
            self._ready.put(error if isinstance(error, UserError) else RunError(line_of("vLLM did not start", error, self._log)))
            return
        gc.collect()
        gc.freeze()  # vLLM's and torch's own objects stay, so they need not be walked again and again
        self._ready.put(None)
        try:
            while not self._closing:
                self._turn()
            self._die(RunError("the vLLM engine was closed while it was asked"))
        except BaseException as error:
            self._die(RunError(line_of("the vLLM engine died", error, self._log)))
        with contextlib.suppress(Exception):
            self._stop()
        while not self._closing:  # a dead engine answers until it is closed
            self._take(self._inbox.get())
            self._die(self._death)

    def _start(self, model: str, revision: str | None, arguments: Mapping[str, Any]) -> None:
        with logging_to(self._log):
            from vllm.engine.arg_utils import EngineArgs
            from vllm.exceptions import VLLMClientError
            from vllm.renderers.params import ChatParams
            from vllm.sampling_params import RequestOutputKind, SamplingParams
            from vllm.utils.mistral import is_mistral_tokenizer
            from vllm.v1.engine.llm_engine import LLMEngine
            from vllm.v1.executor import Executor

        known = {field.name for field in dataclasses.fields(EngineArgs)}
        refuse_unknown(arguments, known)
        settings = {"disable_log_stats": True, "use_tqdm_on_load": False, **arguments}
        with _living_lock:
            _living.add(self)
        config = EngineArgs(model=model, revision=revision, **settings).create_engine_config()
        # Never with vLLM's core in a process of its own, its default: that process outlives a parent that is killed.
        self._engine = LLMEngine(
            vllm_config=config,
            executor_class=Executor.get_class(config),
            log_stats=not settings["disable_log_stats"],
            multiprocess_mode=False,
        )
        self._model_config = config.model_config
        self._most = AHEAD * int(config.scheduler_config.max_num_seqs)
        self._defaults: Table = config.model_config.get_diff_sampling_param()  # as vLLM's server takes them
        self._params: Any = SamplingParams
        self._refuses: type[Exception] = VLLMClientError
        self._final: Any = RequestOutputKind.FINAL_ONLY
        tokenizer = self._engine.get_tokenizer()
        template = {"add_generation_prompt": True, "continue_final_message": False, "tokenize": is_mistral_tokenizer(tokenizer)}
        self._chat_params = ChatParams(chat_template=None, chat_template_content_format="auto", chat_template_kwargs=template)

    def _stop(self) -> None:
        self._engine.engine_core.shutdown()
        del self._engine
        gc.collect()
        with _living_lock:
            _living.discard(self)
            if not _living:  # what is let go of here belongs to all engines of the process
                from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

                cleanup_dist_env_and_memory()

    def _turn(self) -> None:
        """Take what has come, let one step be computed, hand over what is finished."""
        busy = bool(self._running or self._waiting)
        try:
            while not self._closing:
                self._take(self._inbox.get(block=not busy))
                busy = True
        except queue.Empty:
            pass
        if self._closing:
            return
        while self._waiting and (not self._inside or self._inside + self._waiting[0].request.n <= self._most):
            self._add(self._waiting[0])
            self._waiting.popleft()  # not before: where adding it breaks the engine, it must get its answer too
        if self._running:
            for output in self._engine.step():
                if output.finished and (done := self._running.pop(output.request_id, None)) is not None:
                    self._inside -= done.request.n
                    self._outcomes.append((done, reply_of(output)))
        self._hand_over()

    def _hand_over(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        _deliver(outcomes)

    def _take(self, item: "Callable[[], None] | _Job | None") -> None:
        if item is None:
            self._closing = True
        elif isinstance(item, _Job):
            self._waiting.append(item)
        else:
            item()

    def _add(self, job: _Job) -> None:
        """Give a job to vLLM, or note why it cannot be served."""
        try:
            prompt = self._rendered(job)
        except Exception as error:  # of the text or its template: another prompt may fare better
            self._outcomes.append((job, refusal_of(error)))
            return
        self._count += 1
        name = str(self._count)
        try:
            job.name = self._engine.add_request(name, prompt, self._sampling(job.request))
        except (ValueError, self._refuses) as error:
            self._outcomes.append((job, refusal_of(error)))
            return
        self._running[name] = job
        self._inside += job.request.n

    def _abort(self, job: _Job) -> None:
        with contextlib.suppress(ValueError):
            self._waiting.remove(job)
        for name, one in list(self._running.items()):
            if one is job:
                self._engine.abort_request([job.name], internal=True)
                del self._running[name]
                self._inside -= job.request.n

    def _rendered(self, job: _Job) -> Any:
        from vllm.renderers.inputs.preprocess import parse_model_prompt

        if job.prompt is None:
            return self._rendered_chat([{"role": role, "content": content} for role, content in job.request.messages])
        (prompt,) = self._engine.renderer.render_cmpl([parse_model_prompt(self._model_config, job.prompt)])
        return prompt

    def _rendered_chat(self, messages: list[dict[str, str]]) -> Any:
        _, (prompt,) = self._engine.renderer.render_chat([messages], self._chat_params)
        return prompt

    def _sampling(self, request: Request) -> Any:
        """Return vLLM's own parameters: what is set, over the model's own defaults, as its server has it."""
        return self._params(
            **{"max_tokens": None, **self._defaults, **set_in(request.sampling)},
            n=request.n,
            seed=request.seed,
            output_kind=self._final,
        )

    def _die(self, error: RunError | None) -> None:
        self._death = self._death or error or RunError("the vLLM engine died")
        jobs = [*self._running.values(), *self._waiting]
        self._running.clear()
        self._waiting.clear()
        self._outcomes += [(job, self._death) for job in jobs]
        self._hand_over()


def _deliver(outcomes: list[tuple[_Job, Outcome]]) -> None:
    """Hand outcomes over, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, Outcome]]] = {}
    for job, outcome in outcomes:
        by_loop.setdefault(job.loop, []).append((job, outcome))
    for loop, some in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that has been closed waits for nothing
            loop.call_soon_threadsafe(_settle, some)


def _settle(outcomes: list[tuple[_Job, Outcome]]) -> None:
    for job, outcome in outcomes:
        if job.future.done():
            continue
        if isinstance(outcome, Reply):
            job.future.set_result(outcome)
        else:
            job.future.set_exception(outcome)
