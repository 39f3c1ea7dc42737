"""What STaR costs: `starbeam sample` with kind = "star" beside a bare client that makes the same calls, hinted ones too.

    .venv/bin/python -m benchmarks.strategies [--prompts 10000] [--runs 3] [--case fixed] [--right 0.6]

Measured as in `benchmarks/sampling.py`.  The server is right in the share `--right` of its answers; the rest of the questions is
asked again with the answer as a hint.  The bare client looks for the gold at the end of the answer, where starbeam has its checker.
No seed is sent, so both get the same answers, and the number of calls must be the same.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.sampling import (
    CASES,
    IN_FLIGHT,
    MODEL,
    RECIPE,
    SAMPLING,
    WARM_UP,
    heading_of,
    measured,
    questions_of,
    row_of,
    timed,
    write_problems,
)

STAR = RECIPE.replace('kind = "repeated"', 'kind = "star"').replace("max_in_flight", "seeded = false\nmax_in_flight")


def bare(url: str, folder: Path, prompts: int) -> dict[str, float]:
    """Ask, and ask with the hint where the answer is not the gold."""
    import aiohttp
    import orjson
    import uvloop

    async def asked(questions: list[str]) -> None:
        left = iter(questions)

        async def answer(prompt: str) -> str:
            body = {"model": MODEL, **SAMPLING, "messages": [{"role": "user", "content": prompt}]}
            async with session.post(f"{url}/chat/completions", data=orjson.dumps(body)) as response:
                reply = orjson.loads(await response.read())
            return str(reply["choices"][0]["message"]["content"])

        async def place() -> None:
            for question in left:
                gold = sum(map(int, question[8:-1].split(" + ")))
                if not (await answer(question)).endswith(f"The answer is {gold}."):
                    await answer(f"{question}\n\n(The answer is {gold}.)")

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
        path = folder / f"{name}.jsonl"
        write_problems(path, questions)
        text = STAR.format(path=json.dumps(str(path)), url=json.dumps(url), model=MODEL, in_flight=IN_FLIGHT)
        plan = resolve(parse(text, "recipe", ()))

        def work() -> None:
            build(plan, Options(str(folder / name)), console_of(stderr=True), curate=False)

        return timed(work)

    sampled("warm", questions_of(WARM_UP, 10**6))
    return sampled("run", questions_of(prompts))


SCHEMES = {"bare": bare, "ours": ours}


def compare(case: str, prompts: int, runs: int, right: float) -> dict[str, list[dict[str, float]]]:
    """Return the measurements of each scheme on one case, run by run.  Ends the process where one makes other calls."""
    from tests.teacher_server import teacher_server

    settings: dict[str, Any] = {**CASES[case], "right": right}
    results: dict[str, list[dict[str, float]]] = {scheme: [] for scheme in SCHEMES}
    for _ in range(runs):
        came = {}
        for scheme in SCHEMES:
            with teacher_server(**settings) as server:
                results[scheme].append(measured(scheme, server.url, prompts, sys.executable, "benchmarks.strategies"))
                came[scheme] = server.stats(detail=True)["came"]
        if came["bare"] != came["ours"]:
            raise SystemExit(f"other calls: {sum(came['bare'].values()):,} bare and {sum(came['ours'].values()):,} ours")
        print(f"{case}: {sum(came['ours'].values()):,} calls each, the same ones", flush=True)
    return results


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--right", type=float, default=0.6, help="share of the server's answers that are right")
    for name in ("scheme", "url", "folder"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.scheme:
        print(json.dumps(SCHEMES[given.scheme](given.url, Path(given.folder), given.prompts)))
        return
    print(f"{given.prompts:,} problems, {IN_FLIGHT} in flight, medians of {given.runs} runs each, in turns; CPU ms a problem")
    for case in given.case or CASES:
        results = compare(case, given.prompts, given.runs, given.right)
        print(heading_of(list(SCHEMES)))
        print(row_of(case, given.prompts, results), flush=True)


if __name__ == "__main__":
    main()
