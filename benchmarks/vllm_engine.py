"""How much of vLLM's own batch throughput the in-process teacher keeps: `LLM.generate` beside it.

    python -m benchmarks.vllm_engine MODEL [--requests 2000] [--runs 7] [--schemes generate,client,async]

The schemes: `generate` is `LLM.generate` over all prompts at once; `client` asks the teacher's client, as many calls at once as
the teacher allows by default; `async` is a gather over vLLM's own AsyncLLM, final outputs only.  Each lives in a process of its
own with the same engine limits, and they take turns, so that a slow moment of the machine meets all.  Printed for each: seconds
(median, and all), completion tokens a second, and the median of the turns' ratios to `generate`.  Run it in an environment that
has vLLM; MODEL is a folder or a name.  VLLM_ENABLE_V1_MULTIPROCESSING says, for `generate`, whether vLLM's core has a process of
its own, as it has by default; for `async` it always has, for `client` never.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

WARM_UP = 64  # prompts
SAMPLING = {"temperature": 1.0}
Measured = tuple[float, int]  # seconds, completion tokens
Ask = tuple[Callable[[list[str]], Measured], Callable[[], None]]  # measure, and end the engine


def _prompts(count: int) -> list[str]:
    return [f"What is {number} plus {number % 97}?" for number in range(count)]


def _sampling(tokens: int) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(**SAMPLING, max_tokens=tokens, seed=1, output_kind=RequestOutputKind.FINAL_ONLY)


def generate(options: argparse.Namespace) -> Ask:
    """Measure `LLM.generate`."""
    from vllm import LLM

    model = LLM(options.model, disable_log_stats=True, use_tqdm_on_load=False, **options.engine)

    def ask(prompts: list[str]) -> Measured:
        began = time.perf_counter()
        outputs = model.generate(prompts, _sampling(options.tokens), use_tqdm=False)
        return time.perf_counter() - began, sum(len(one.outputs[0].token_ids) for one in outputs)

    return ask, model.llm_engine.engine_core.shutdown


def client(options: argparse.Namespace) -> Ask:
    """Measure the teacher's client."""
    import uvloop

    from generators.teachers.client import Request, Sampling
    from generators.teachers.vllm import VllmTable
    from schemas.sample import Message

    table = VllmTable(kind="vllm", model=options.model, api="completions", engine=options.engine)
    sampling = Sampling(**SAMPLING, max_tokens=options.tokens)
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    teacher = runner.run(table.connect("main", tempfile.gettempdir(), False))

    async def asked(prompts: list[str]) -> int:
        left, tokens = iter(prompts), 0

        async def place() -> None:
            nonlocal tokens
            for prompt in left:
                reply = await teacher.ask(Request((Message("user", prompt),), sampling, 1, 1))
                tokens += reply.completion_tokens

        await asyncio.gather(*(place() for _ in range(table.max_in_flight)))
        return tokens

    def ask(prompts: list[str]) -> Measured:
        began = time.perf_counter()
        tokens = runner.run(asked(prompts))
        return time.perf_counter() - began, tokens

    return ask, lambda: runner.run(teacher.close())


def async_llm(options: argparse.Namespace) -> Ask:
    """Measure a gather over vLLM's own async engine."""
    import uvloop
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    arguments = AsyncEngineArgs(model=options.model, disable_log_stats=True, use_tqdm_on_load=False, **options.engine)

    async def start() -> Any:
        return AsyncLLM.from_engine_args(arguments)

    engine, numbers = runner.run(start()), itertools.count()

    async def one(prompt: str) -> int:
        tokens = 0
        async for output in engine.generate(prompt, _sampling(options.tokens), str(next(numbers))):
            tokens = len(output.outputs[0].token_ids)
        return tokens

    async def asked(prompts: list[str]) -> int:
        return sum(await asyncio.gather(*map(one, prompts)))

    def ask(prompts: list[str]) -> Measured:
        began = time.perf_counter()
        tokens = runner.run(asked(prompts))
        return time.perf_counter() - began, tokens

    return ask, engine.shutdown


SCHEMES: dict[str, Callable[[argparse.Namespace], Ask]] = {"generate": generate, "client": client, "async": async_llm}


def _serve(scheme: str, options: argparse.Namespace, pipe: Connection) -> None:
    ask, end = SCHEMES[scheme](options)
    ask(_prompts(WARM_UP))
    pipe.send(None)
    while (count := pipe.recv()) is not None:
        pipe.send(ask(_prompts(count)))
    end()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--tokens", type=int, default=32, help="of a completion, at most")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--schemes", default="generate,client,async")
    parser.add_argument("--engine", type=json.loads, default={}, help="vLLM's engine arguments, as JSON")
    options = parser.parse_args()
    names = options.schemes.split(",")
    context = multiprocessing.get_context("spawn")
    pipes, processes = {}, []
    for name in names:
        pipes[name], theirs = context.Pipe()
        processes.append(context.Process(target=_serve, args=(name, options, theirs)))
        processes[-1].start()
        theirs.close()  # so that a process that fails ends the wait for it
        pipes[name].recv()
    seen: dict[str, list[Measured]] = {name: [] for name in names}
    for turn in range(options.runs):
        for name in names if turn % 2 else reversed(names):
            pipes[name].send(options.requests)
            seen[name].append(pipes[name].recv())
    for name, measured in seen.items():
        seconds = [one for one, _ in measured]
        rate = statistics.median(tokens / one for one, tokens in measured)
        ratio = statistics.median(
            (mine[1] / mine[0]) / (theirs[1] / theirs[0]) for mine, theirs in zip(measured, seen[names[0]], strict=True)
        )
        print(f"{name:9} {statistics.median(seconds):7.3f} s {rate:9.0f} tokens/s  {ratio:.3f} of {names[0]}", end="  ")
        print(" ".join(f"{one:.2f}" for one in seconds), flush=True)
    for pipe in pipes.values():
        pipe.send(None)  # ends its engine
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
