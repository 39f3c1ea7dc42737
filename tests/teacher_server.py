"""An OpenAI-compatible server for tests and benchmarks, in a process of its own, whose answers and faults can be chosen.

    python -m tests.teacher_server --port 0 --latency 0.05 --errors '{"500": 0.1}'     # the first line is the port

Answers are a pure function of (prompt, seed, number of the choice); faults and latencies one of the request's number.
POST /settings changes any setting while it runs (`{"reset": true}` sets the counts to 0), GET /stats tells what came.
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import datetime
import email.utils
import hashlib
import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
from aiohttp import web

from tests.teacher_answers import completion, draw, error_body, escaped, pooled, prompt_of

ROOT = Path(__file__).parents[1]
STATUSES = {
    "429_seconds": (429, "rate_limit_exceeded"),
    "429_date": (429, "rate_limit_exceeded"),
    "429": (429, "rate_limit_exceeded"),
    "500": (500, "server_error"),
    "503": (503, "overloaded"),
    "401": (401, "invalid_api_key"),
    "404": (404, "model_not_found"),
    "400": (400, "invalid_request_error"),
}
# What a reply of status 200 can have wrong, and what the connection can do.
FAULTS = ("reset", "silent", "truncated", "cut", "no_choices", "too_few", "long_text", "html", "null")
LONG_TEXT = "many words " * 90_909  # 1 MB
NORMAL = statistics.NormalDist()


@dataclasses.dataclass
class Settings:
    """How the server behaves."""

    latency: float = 0.0  # seconds of a call; the median where sigma is set
    sigma: float = 0.0  # of a log-normal tail: the standard deviation of the logarithm of the latency
    slow_share: float = 0.0  # of calls that take slow_factor times as long
    slow_factor: float = 20.0
    capacity: int = 0  # calls that it works on at a time, the rest queue; 0 for all
    mode: str = "plain"  # plain | reasoning | reasoning_content | inline: where the thought is
    right: float = 1.0  # share of arithmetic questions that are solved rightly
    words: int = 8  # of a thought
    errors: dict[str, float] = dataclasses.field(default_factory=dict)  # kind (STATUSES, FAULTS) → share of calls
    errors_from: int = 0  # number of the first request that can fail
    retry_after: int = 1  # seconds that a 429 asks to wait
    max_prompt: int = 0  # characters; a longer prompt is refused with 400; 0 for no bound
    most_choices: int = 0  # of one reply; 0 for as many as are asked
    key: str = ""  # a request without it is refused with 401
    model: str = ""  # another one is refused with 404
    echo: str = ""  # plain | escaped: how the Authorization header is repeated in every error and completion
    seed: int = 0  # of faults and latencies


class TeacherApp:
    """Answers requests and counts them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._places = asyncio.Semaphore(settings.capacity or 2**31)
        self.reset()

    def reset(self) -> None:
        """Set all counts to 0."""
        self.calls = self.given = self.in_flight = self.peak = self.dropped = self.prompt_tokens = self.completion_tokens = 0
        self.came: collections.Counter[str] = collections.Counter()
        self.answered: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.first = self.last = 0.0

    def stats(self, detail: bool) -> dict[str, Any]:
        """Return the counts; times are of time.monotonic(), which all processes of a machine share on Linux."""
        told: dict[str, Any] = {name: value for name, value in vars(self).items() if name not in ("settings", "_places")}
        told["prompts"] = len({name.split("/")[0] for name in self.came})
        told["came"] = dict(self.came) if detail else sum(self.came.values())
        told["answered"] = dict(self.answered) if detail else sum(self.answered.values())
        told["twice"] = sum(times - 1 for times in self.came.values())
        told["answered_twice"] = sum(times - 1 for times in self.answered.values())
        return told

    def change(self, changes: dict[str, Any]) -> None:
        """Change settings from the next request on."""
        if changes.pop("reset", False):
            self.reset()
        self.settings = dataclasses.replace(self.settings, **changes)
        if "capacity" in changes:
            self._places = asyncio.Semaphore(self.settings.capacity or 2**31)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of any path."""
        path = request.path
        if request.method == "POST" and path in ("/v1/chat/completions", "/v1/completions", "/pooling"):
            return await self._complete(request, path)
        if path == "/v1/models":
            return _json(orjson.dumps({"object": "list", "data": [{"id": self.settings.model or "test", "object": "model"}]}))
        if path == "/stats":
            return _json(orjson.dumps(self.stats("detail" in request.query)))
        if path == "/settings":
            self.change(orjson.loads(await request.content.read()))
            return _json(b"{}")
        return _json(error_body(f"no such path: {path}", "not_found"), 404)

    async def _complete(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        number = self.calls
        self.calls += 1
        self.first = self.first or time.monotonic()
        self.last = time.monotonic()
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            body = orjson.loads(await request.content.read())
            seen = f"{hashlib.blake2b(prompt_of(body).encode(), digest_size=16).hexdigest()}/{body.get('seed')}/{body.get('n', 1)}"
            self.came[seen] += 1
            async with self._places:
                await asyncio.sleep(self._latency(number))
            return await self._respond(request, body, path, number, seen)
        except asyncio.CancelledError:  # the client has gone
            self.dropped += 1
            raise
        finally:
            self.in_flight = max(self.in_flight - 1, 0)  # a reset may have come between

    def _latency(self, number: int) -> float:
        settings = self.settings
        seconds = settings.latency
        if settings.sigma:
            seconds *= math.exp(settings.sigma * NORMAL.inv_cdf(max(draw(settings.seed, "tail", number), 1e-12)))
        if settings.slow_share and draw(settings.seed, "slow", number) < settings.slow_share:
            seconds *= settings.slow_factor
        return seconds

    def _fault(self, request: web.BaseRequest, body: dict[str, Any], number: int) -> str:
        """Return what goes wrong with a request, "" where nothing does."""
        settings = self.settings
        if settings.key and request.headers.get("Authorization") != f"Bearer {settings.key}":
            return "401"
        if settings.model and body.get("model") != settings.model:
            return "404"
        if settings.max_prompt and len(prompt_of(body)) > settings.max_prompt:
            return "context_length"
        if settings.errors and number >= settings.errors_from:
            drawn = draw(settings.seed, "fault", number)
            for kind, share in settings.errors.items():
                drawn -= share
                if drawn < 0:
                    return kind
        return ""

    async def _respond(
        self, request: web.BaseRequest, body: dict[str, Any], path: str, number: int, seen: str
    ) -> web.StreamResponse:
        settings = self.settings
        fault = self._fault(request, body, number)
        if fault:
            self.errors[fault] += 1
        header = request.headers.get("Authorization", "") if settings.echo else ""
        if fault == "context_length":
            said = f"This model's maximum context length is {settings.max_prompt} characters; your prompt is longer. {header}"
            return self._json(error_body(said, "context_length_exceeded"), header, 400)
        if fault in STATUSES:
            status, code = STATUSES[fault]
            response = self._json(error_body(f"fault {fault} of the test server {header}", code), header, status)
            if fault == "429_seconds":
                response.headers["Retry-After"] = str(settings.retry_after)
            elif fault == "429_date":
                until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=settings.retry_after)
                response.headers["Retry-After"] = email.utils.format_datetime(until, usegmt=True)
            return response
        if fault in ("reset", "silent", "html"):
            return await self._no_reply(request, fault, header)
        n = body.get("n", 1)
        n = min(n, settings.most_choices or n)
        n = 0 if fault == "no_choices" else max(1, n // 2) if fault == "too_few" else n
        extra = LONG_TEXT if fault == "long_text" else header and f" {header}"
        chat = path == "/v1/chat/completions"
        reply = (
            pooled(body) if path == "/pooling" else completion(body, chat, n, settings.mode, settings.right, settings.words, extra)
        )
        if fault == "null":
            for choice in reply.get("choices", ()):
                choice["message" if chat else "text"] = {"role": "assistant", "content": None} if chat else None
        encoded = orjson.dumps(reply)
        if fault == "truncated":
            return self._json(encoded[: len(encoded) // 2], header)
        if fault == "cut":
            return await _cut(request, encoded)
        self.given += n
        self.answered[seen] += 1
        self.prompt_tokens += reply["usage"]["prompt_tokens"]
        self.completion_tokens += reply["usage"]["completion_tokens"]
        return self._json(encoded, header)

    async def _no_reply(self, request: web.BaseRequest, fault: str, header: str) -> web.StreamResponse:
        if fault == "html":
            return web.Response(body=f"<html><body>A proxy's page. {header}</body></html>".encode(), content_type="text/html")
        if fault == "reset":
            _abort(request)
        await asyncio.Event().wait()  # until the client goes, which cancels this
        raise AssertionError("nothing sets the event")

    def _json(self, body: bytes, header: str, status: int = 200) -> web.Response:
        if not header:
            return _json(body, status)
        key = header.removeprefix("Bearer ")
        response = _json(escaped(body, key) if self.settings.echo == "escaped" else body, status)
        response.headers["X-Echo"] = header
        return response


def _abort(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _cut(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Send half of a body and close the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    await asyncio.sleep(0)
    if request.transport is not None:
        request.transport.close()
    return response


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


async def serve(port: int, settings: Settings) -> None:
    """Serve on the loopback until the process ends; the port goes to stdout."""
    app = TeacherApp(settings)
    server = web.Server(app.handle, handler_cancellation=True, access_log=None)
    runner = web.ServerRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=4096, reuse_address=True)
    await site.start()
    print(cast("tuple[str, int]", runner.addresses[0])[1], flush=True)
    await asyncio.Event().wait()


class TeacherServer:
    """A server in a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Return what a recipe's base_url is."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def root(self) -> str:
        """Return what the base_url of a reward model is: vLLM's /pooling has no /v1 before it."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the port that it had before if it had one."""
        command = [sys.executable, "-m", "tests.teacher_server", "--port", str(self.port)]
        command += ["--settings", json.dumps(dataclasses.asdict(self.settings))]
        command.append("--until-stdin-ends")  # so that it does not outlive a parent that is killed
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def stop(self) -> None:
        """Kill it, as a crash does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def stats(self, detail: bool = False) -> dict[str, Any]:
        """Return what `TeacherApp.stats` tells."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats" + "?detail=1" * detail, timeout=60) as response:
            told: dict[str, Any] = json.load(response)
        return told

    def set(self, **changes: Any) -> None:
        """Change settings; `reset=True` sets the counts to 0."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/settings", data=json.dumps(changes).encode())
        urllib.request.urlopen(request, timeout=60).close()


@contextlib.contextmanager
def teacher_server(**settings: Any) -> Iterator[TeacherServer]:
    """Run a server for a block; arguments are `Settings`."""
    server = TeacherServer(Settings(**settings))
    try:
        yield server
    finally:
        server.stop()


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve as the command line says."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when stdin does")
    parser.add_argument("--settings", type=json.loads, default={}, help="all settings at once, as a JSON object")
    for field in dataclasses.fields(Settings):
        kind = json.loads if field.name == "errors" else type(field.default)
        parser.add_argument("--" + field.name.replace("_", "-"), type=kind, default=argparse.SUPPRESS)
    given = vars(parser.parse_args())
    port, settings = given.pop("port"), given.pop("settings")
    if given.pop("until_stdin_ends"):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    uvloop.run(serve(port, Settings(**{**settings, **given})))


if __name__ == "__main__":
    main()
