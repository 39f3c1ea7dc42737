"""What sampling costs: `starbeam sample`, journal and files included, beside a bare client on the same server.

    .venv/bin/python -m benchmarks.sampling [--prompts 20000] [--runs 3] [--case fixed]

The bare client is aiohttp, uvloop and orjson with a sliding window of 500 calls: it parses replies and writes nothing.  What is
timed of starbeam is all of it after imports: reading the problems, asking, the journal, the samples' files.  The server is a
process of its own on the loopback.  Each measurement is a fresh process that has imported everything and made a small run
first; the schemes take turns, so that a slow moment of the machine meets both.  Printed for each case: prompts a second
(wall, medians), the median of the pairs' ratios, and CPU of the client's process in ms a prompt.

With --peer-python, an interpreter that has bespokelabs-curator, its `LLM` is measured the same way, its cache on.
"""

import argparse
import asyncio
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
IN_FLIGHT = 500
WARM_UP = 64  # prompts
MODEL = "test"
SAMPLING = {"temperature": 1.0, "max_tokens": 64}
CASES: dict[str, dict[str, Any]] = {
    "fixed": {"latency": 0.05},
    "long tail": {"latency": 0.05, "slow_share": 0.05, "slow_factor": 20},
    "teacher-bound": {"latency": 0.25, "capacity": 64},
}
RECIPE = """
name = "sampling"
seed = 1
partitions = 16
[problems]
source = "jsonl"
path = {path}
checker = "numeric"
[teacher.main]
kind = "openai"
base_url = {url}
model = "{model}"
max_in_flight = {in_flight}
sampling = {{ temperature = 1.0, max_tokens = 64 }}
[strategy]
kind = "repeated"
samples = 1
"""


def questions_of(count: int, first: int = 0) -> list[str]:
    """Return short questions, no two alike."""
    return [f"What is {first + number} + {number % 97}?" for number in range(count)]


def write_problems(path: Path, questions: list[str]) -> None:
    """Write questions with their answers as JSON lines."""
    lines = (json.dumps({"question": one, "answer": str(sum(map(int, one[8:-1].split(" + "))))}) for one in questions)
    path.write_text("".join(line + "\n" for line in lines))


def timed(work: Callable[[], None]) -> dict[str, float]:
    """Return the wall and CPU seconds of some work; CPU counts all threads and ended children."""
    began, before = time.perf_counter(), cpu()
    work()
    return {"wall": time.perf_counter() - began, "cpu": cpu() - before}


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def bare(url: str, folder: Path, prompts: int) -> dict[str, float]:
    """Ask with nothing around the calls."""
    import aiohttp
    import orjson
    import uvloop

    async def asked(questions: list[str]) -> None:
        left = iter(questions)

        async def place() -> None:
            for question in left:
                body = {"model": MODEL, **SAMPLING, "messages": [{"role": "user", "content": question}]}
                async with session.post(f"{url}/chat/completions", data=orjson.dumps(body)) as response:
                    orjson.loads(await response.read())

        headers = {"Content-Type": "application/json"}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
            await asyncio.gather(*(place() for _ in range(IN_FLIGHT)))

    uvloop.run(asked(questions_of(WARM_UP, 10**6)))
    questions = questions_of(prompts)
    return timed(lambda: uvloop.run(asked(questions)))


def ours(url: str, folder: Path, prompts: int) -> dict[str, float]:
    """Run `starbeam sample`."""
    import apache_beam  # noqa: F401

    from pipeline.build import Options, build
    from pipeline.plan import resolve
    from pipeline.recipes import parse
    from pipeline.terminal import console_of

    def sampled(name: str, questions: list[str]) -> dict[str, float]:
        write_problems(folder / f"{name}.jsonl", questions)
        text = RECIPE.format(path=json.dumps(str(folder / f"{name}.jsonl")), url=json.dumps(url), model=MODEL, in_flight=IN_FLIGHT)
        plan = resolve(parse(text, "recipe", ()))

        def work() -> None:
            build(plan, Options(str(folder / name)), console_of(stderr=True), curate=False)

        return timed(work)

    sampled("warm", questions_of(WARM_UP, 10**6))
    return sampled("run", questions_of(prompts))


def curator(url: str, folder: Path, prompts: int) -> dict[str, float]:
    """Run curator's LLM over the same prompts."""
    os.environ |= {"CURATOR_CACHE_DIR": str(folder), "CURATOR_VIEWER": "0", "TELEMETRY_ENABLED": "0", "OPENAI_API_KEY": "none"}
    # Its tokenizer's vocabulary is downloaded at first use; counting words in its place needs no network and costs it less.
    tiktoken = importlib.import_module("tiktoken")
    tiktoken.get_encoding = lambda _name: types.SimpleNamespace(encode=lambda text, **_options: text.split())
    tiktoken.encoding_for_model = tiktoken.get_encoding
    peer = importlib.import_module("bespokelabs.curator")

    settings = {
        "base_url": url,
        "max_concurrent_requests": IN_FLIGHT,
        "max_requests_per_minute": 10**7,
        "max_tokens_per_minute": 10**9,
    }

    def ask(questions: list[str]) -> None:
        model = peer.LLM(model_name=MODEL, backend="openai", backend_params=settings, generation_params=SAMPLING)
        assert len(model(questions).dataset) == len(questions)

    ask(questions_of(WARM_UP, 10**6))
    questions = questions_of(prompts)
    return timed(lambda: ask(questions))


SCHEMES = {"bare": bare, "ours": ours, "curator": curator}


def measured(scheme: str, url: str, prompts: int, python: str, module: str = "benchmarks.sampling") -> dict[str, float]:
    """Return what a scheme of a module measures in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            python,
            "-m",
            module,
            "--scheme",
            scheme,
            "--url",
            url,
            "--folder",
            folder,
            "--prompts",
            str(prompts),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{scheme} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def compare(case: str, prompts: int, runs: int, peer_python: str | None = None) -> dict[str, list[dict[str, float]]]:
    """Return the measurements of each scheme on one case, run by run.  Ends the process where a call is missing or one too many."""
    from tests.teacher_server import teacher_server

    pythons = {"bare": sys.executable, "ours": sys.executable} | ({"curator": peer_python} if peer_python else {})
    results: dict[str, list[dict[str, float]]] = {scheme: [] for scheme in pythons}
    for _ in range(runs):
        for scheme, python in pythons.items():
            with teacher_server(**CASES[case]) as server:
                results[scheme].append(measured(scheme, server.url, prompts, python))
                calls = server.stats()["calls"]
            if calls != prompts + WARM_UP and scheme != "curator":
                raise SystemExit(f"{scheme} made {calls} calls for {prompts + WARM_UP} prompts")
    return results


def row_of(case: str, prompts: int, results: dict[str, list[dict[str, float]]]) -> str:
    cells = [f"{case:<14}"]
    for runs in results.values():
        cells.append(f"{statistics.median(prompts / one['wall'] for one in runs):>15,.0f}")
    for scheme, runs in results.items():
        if scheme != "bare":
            ratios = [plain["wall"] / one["wall"] for plain, one in zip(results["bare"], runs, strict=True)]
            cells.append(f"{statistics.median(ratios):>15.2f}")
    for runs in results.values():
        cells.append(f"{statistics.median(1000 * one['cpu'] / prompts for one in runs):>15.3f}")
    return "".join(cells)


def heading_of(schemes: list[str]) -> str:
    heads = [f"{one} prompts/s" for one in schemes] + [f"{one}/bare" for one in schemes[1:]] + [f"{one} CPU ms" for one in schemes]
    return f"{'case':<14}" + "".join(f"{one:>{max(15, len(one) + 2)}}" for one in heads)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--peer-python", help="an interpreter with bespokelabs-curator")
    for name in ("scheme", "url", "folder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scheme:
        print(json.dumps(SCHEMES[given.scheme](given.url, Path(given.folder), given.prompts)))
        return
    print(f"{given.prompts:,} prompts, {IN_FLIGHT} in flight, medians of {given.runs} runs each, in turns; CPU ms a prompt")
    print(heading_of(["bare", "ours"] + ["curator"] * bool(given.peer_python)))
    for case in given.case or CASES:
        print(row_of(case, given.prompts, compare(case, given.prompts, given.runs, given.peer_python)), flush=True)


if __name__ == "__main__":
    main()
