"""The test server does what its settings say: else the other load tests would pass for nothing."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest

from tests.teacher_server import TeacherServer, teacher_server

pytestmark = pytest.mark.load


@pytest.fixture(scope="module")
def running() -> Iterator[TeacherServer]:
    """Return a server for all tests of this file."""
    with teacher_server() as one:
        yield one


@pytest.fixture
def server(running: TeacherServer) -> TeacherServer:
    """Return the server with its first settings."""
    calm = {
        "errors": {},
        "latency": 0.0,
        "capacity": 0,
        "mode": "plain",
        "right": 1.0,
        "max_prompt": 0,
        "most_choices": 0,
        "echo": "",
    }
    running.set(reset=True, **calm)
    return running


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> tuple[int, str]:
    async with session.post(url, json=body, headers={"Authorization": "Bearer sk-1"}) as response:
        return response.status, await response.text()


def _ask(server: TeacherServer, *bodies: dict[str, Any], path: str = "/chat/completions", seconds: float = 10) -> list[Any]:
    """Return status and text of each answer, or the exception in its place; all are asked at once."""

    async def all_of() -> list[Any]:
        timeout = aiohttp.ClientTimeout(total=seconds)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as session:
            return await asyncio.gather(*(_post(session, server.url + path, body) for body in bodies), return_exceptions=True)

    return asyncio.run(all_of())


def _body(question: str = "What is 12 + 30?", **more: Any) -> dict[str, Any]:
    return {"model": "test", "messages": [{"role": "user", "content": question}], **more}


def test_answers_depend_on_prompt_seed_and_number_alone(server: TeacherServer) -> None:
    server.set(right=0.5, mode="inline")
    first, again, other = _ask(server, _body(seed=1, n=4), _body(seed=1, n=4), _body(seed=2, n=4))
    assert first == again and first[1] != other[1]
    stats = server.stats()
    assert (stats["calls"], stats["given"], stats["prompts"], stats["twice"]) == (3, 12, 1, 1)


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_arithmetic_is_solved_for_the_share_that_is_set(server: TeacherServer, right: float) -> None:
    server.set(right=right)
    ((_, text),) = _ask(server, _body(n=20))
    assert text.count("The answer is 42.") == 20 * right


@pytest.mark.parametrize("mode", ["reasoning", "reasoning_content", "inline"])
def test_the_thought_is_where_the_mode_puts_it(server: TeacherServer, mode: str) -> None:
    server.set(mode=mode)
    ((_, text),) = _ask(server, _body())
    assert ("<think>" if mode == "inline" else f'"{mode}"') in text


STATUS = {"429_seconds": 429, "429_date": 429, "429": 429, "500": 500, "503": 503, "401": 401, "404": 404, "400": 400}
BROKEN = {"reset": aiohttp.ClientConnectionError, "cut": aiohttp.ClientPayloadError, "silent": TimeoutError}
PRESENT = {"no_choices": '"choices":[]', "html": "<html>", "null": '"content":null', "long_text": "many words many words"}


@pytest.mark.parametrize("kind", [*STATUS, *BROKEN, *PRESENT, "too_few", "truncated"])
def test_each_fault_is_seen_by_a_client(server: TeacherServer, kind: str) -> None:
    server.set(errors={kind: 1.0})
    (seen,) = _ask(server, _body(n=4), seconds=1)
    assert server.stats()["errors"] == {kind: 1}
    if kind in BROKEN:
        assert isinstance(seen, BROKEN[kind])
    elif kind in STATUS:
        assert seen[0] == STATUS[kind] and '"error"' in seen[1]
    else:
        status, text = seen
        assert status == 200 and PRESENT.get(kind, "") in text
        assert text.count("finish_reason") == {"too_few": 2, "no_choices": 0, "html": 0}.get(kind, text.count("finish_reason"))
        assert text.endswith("}") != (kind in ("truncated", "html"))


def test_a_share_of_calls_fails_the_same_ones_each_time(server: TeacherServer) -> None:
    counts = []
    for _ in range(2):
        server.set(reset=True, errors={"500": 0.2, "429": 0.1})
        _ask(server, *(_body(str(number)) for number in range(300)))
        counts.append(server.stats()["errors"])
    assert counts[0] == counts[1]
    assert 30 < counts[0]["500"] < 90 and 10 < counts[0]["429"] < 60  # 60 and 30 are expected, of 300


def test_a_long_prompt_and_a_bound_on_choices_are_told(server: TeacherServer) -> None:
    server.set(max_prompt=20, most_choices=2)
    (short, long) = _ask(server, _body(n=5), _body("x" * 21))
    assert short[0] == 200 and short[1].count("finish_reason") == 2
    assert long[0] == 400 and "context_length_exceeded" in long[1]


def test_calls_beyond_the_capacity_queue(server: TeacherServer) -> None:
    server.set(latency=0.1, capacity=2)
    began = time.monotonic()
    _ask(server, *(_body(str(number)) for number in range(6)))
    assert time.monotonic() - began >= 0.3  # three rounds of two; no bound from above, which would test the machine
    assert server.stats()["peak"] == 6


@pytest.mark.parametrize("echo", ["plain", "escaped"])
def test_a_hostile_server_repeats_the_key(server: TeacherServer, echo: str) -> None:
    server.set(echo=echo, errors={"500": 0.5})
    seen = _ask(server, *(_body(str(number)) for number in range(20)))
    assert {status for status, _ in seen} == {200, 500}
    wanted = "sk-1" if echo == "plain" else "\\u0073\\u006b\\u002d\\u0031"
    assert all(wanted in text for _, text in seen)


def test_a_client_that_goes_is_counted(server: TeacherServer) -> None:
    server.set(latency=5.0)
    (seen,) = _ask(server, _body(), seconds=0.2)
    assert isinstance(seen, TimeoutError)
    for _ in range(100):
        if server.stats()["dropped"]:
            break
        time.sleep(0.05)
    assert (server.stats()["dropped"], server.stats()["in_flight"], server.stats()["answered"]) == (1, 0, 0)
