"""vLLM as a server: one for all who ask for it, gone when the last of them is, however that one ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generators.teachers.client import Client, Refused, Sampling
from generators.teachers.vllm_server import ServerClient
from schemas.errors import RunError, UserError
from tests.vllm.test_engine import request_of, table_of
from tests.vllm.tiny_model import LENGTH

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
HOLDER = """
import asyncio, sys
from pathlib import Path
from tests.vllm.test_engine import request_of, table_of

async def hold():
    client = await table_of(Path(sys.argv[1]), run="server").connect("main", sys.argv[2], False)
    print((await client.ask(request_of("a"))).choices[0].text.encode().hex(), flush=True)
    await asyncio.sleep(3600)

asyncio.run(hold())
"""


def servers_of(model: Path) -> list[int]:
    """Return the processes that serve a model or keep its server, and those that such a process started."""
    mine, parents = set(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            if status[0] != "Z":
                parents[int(folder.name)] = int(status[1])
            if str(model).encode() in (folder / "cmdline").read_bytes() and b"api_server" in (folder / "cmdline").read_bytes():
                mine.add(int(folder.name))
        except OSError:
            continue  # it ended meanwhile
    for _ in range(8):  # generations
        mine |= {child for child, parent in parents.items() if parent in mine}
    return sorted(mine & set(parents))


def until(is_so: Callable[[], bool], seconds: float = 120) -> bool:
    """Return whether something becomes so in time."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.2)
    return is_so()


def holder(model: Path, folder: Path) -> "subprocess.Popen[str]":
    """Return a process that holds a model's server, once it has been answered."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(model), str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None and process.stdout.readline().strip()
    return process


def test_a_server_answers_as_the_engine_does_and_ends_with_its_last_user_even_killed(model: Path, tmp_path: Path) -> None:
    first = holder(model, tmp_path)
    (began,) = {os.path.getmtime(path) for path in [f"/proc/{servers_of(model)[0]}"]}

    async def work() -> None:
        table = table_of(model, run="server")
        client = await table.connect("main", str(tmp_path), True)
        assert isinstance(client, ServerClient)
        await _answers(client)
        first.kill()  # who started it goes, without a word; we still hold it
        first.wait()
        await asyncio.sleep(3)
        await _answers(client)
        second = await table.connect("other", str(tmp_path), True)
        await client.close()
        await asyncio.sleep(3)
        await _answers(second)
        await second.close()

    asyncio.run(work())
    assert began and not (tmp_path / "vllm-other.log").exists()
    assert until(lambda: not servers_of(model)), servers_of(model)


async def _answers(client: Client) -> None:
    sampling = Sampling(temperature=1.0, max_tokens=24, logprobs=True)
    many, again = await asyncio.gather(client.ask(request_of("a", sampling, n=4)), client.ask(request_of("a", sampling, n=4)))
    assert len({choice.text for choice in many.choices}) == 4
    assert [choice.text for choice in many.choices] == [choice.text for choice in again.choices]
    assert all(choice.logprob is not None and choice.logprob < 0 for choice in many.choices)
    with pytest.raises(Refused) as caught:
        await client.ask(request_of("€ " * LENGTH))
    assert caught.value.reason == "prompt_too_long"


@pytest.mark.parametrize("victim", ["user", "keeper"])
def test_a_killed_process_leaves_no_server(model: Path, tmp_path: Path, victim: str) -> None:
    user = holder(model, tmp_path)
    found = servers_of(model)
    assert len(found) >= 3  # the keeper, the server, vLLM's core
    keeper = next(pid for pid in found if b"vllm_keeper" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(user.pid if victim == "user" else keeper, signal.SIGKILL)
    try:
        assert until(lambda: not [pid for pid in found if _is_alive(pid)]), servers_of(model)
    finally:
        user.kill()
        user.wait()


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def connected(model: Path, folder: Path, **changes: Any) -> None:
    """Connect to a model's server and let go of it."""

    async def work() -> None:
        client = await table_of(model, run="server", **changes).connect("main", str(folder), False)
        await client.close()

    asyncio.run(work())


def test_a_server_that_ends_early_is_one_line_with_its_cause_and_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text('{"model_type": "no_such_kind"}')
    with pytest.raises(RunError, match=r"ended before it was ready: .*no_such_kind.*vllm-main\.log") as caught:
        connected(broken, tmp_path)
    assert "\n" not in str(caught.value)
    assert until(lambda: not servers_of(broken))


def test_a_server_that_is_not_ready_in_time_is_stopped(model: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not ready within ready_timeout"):
        connected(model, tmp_path, ready_timeout=2.0)
    assert until(lambda: not servers_of(model))


def test_an_argument_that_the_server_does_not_know_is_named_with_the_nearest(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'max_model_len'"):
        connected(model, tmp_path, engine={"max_modl_len": 64})


def test_an_environment_without_vllm_is_one_line(model: Path, tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')  # no packages
    bare.chmod(0o700)
    with pytest.raises(UserError, match="has no vLLM"):
        connected(model, tmp_path, python=str(bare))
