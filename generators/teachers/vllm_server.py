"""A vLLM server of this machine: started by the first who needs it, shared by threads and processes, stopped after the last.

A keeper (`vllm_keeper.py`) owns the server.  Every user holds a shared lock that the system lets go of when the user ends, even
by SIGKILL; the keeper stops the server when it gets that lock alone.  Servers listen on the loopback only.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from generators.teachers import vllm_keeper
from generators.teachers.client import Client, PaidTable, Reply, Request
from generators.teachers.openai import connect_to
from generators.teachers.replies import SAID_SHOWN
from generators.teachers.vllm_terms import refuse_unknown
from schemas.errors import RunError, UserError
from schemas.recipe import Table

POLL_SECONDS = 0.25
HEALTH_SECONDS = 5.0  # for one answer of /health, which vLLM gives at once
LOG_BYTES = 64 << 10  # of a log's end that are searched for what went wrong
PORT_TRIES = 3  # another program may take a free port before the server does

_UNKNOWN = re.compile(r"unrecognized arguments?: --?([\w-]+)")
_PORT_TAKEN = re.compile(r"address already in use", re.I)
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b: \S|.*\berror: ")
_PREFIX = re.compile(r"^(\([^)]*\)\s*)?([A-Z]+ \d\d-\d\d \S+ \[[^\]]*\]\s*)?")
_LIST_ARGUMENTS = (
    "import dataclasses, json, vllm.engine.arg_utils as a; "
    "print(json.dumps([field.name for field in dataclasses.fields(a.AsyncEngineArgs)]))"
)


def _flags(arguments: Table) -> list[str]:
    """Return engine arguments as the server's command line has them."""
    flags = []
    for name, value in arguments.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            flags.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
            flags += [f"--{flag}", *map(str, value)]
        else:
            flags += [f"--{flag}", value if isinstance(value, str) else json.dumps(value)]
    return flags


def _folder() -> Path:
    """Return this user's folder for locks.  Raises RunError where someone else made it: the temp directory is everyone's."""
    folder = Path(tempfile.gettempdir()) / f"starbeam-vllm-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise RunError(f"{folder} must be a folder that this user alone can write; remove it")
    return folder


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _lock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


async def _lock(descriptor: int, kind: int) -> None:
    while True:
        try:
            return fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(POLL_SECONDS)


class Server:
    """One server as a user of it sees it."""

    def __init__(self, table: PaidTable, model: str, name: str, arguments: Table, log: str, python: str | None) -> None:
        self._model = os.path.abspath(model) if os.path.isdir(model) else model
        revision = [] if table.revision is None or model != table.model else ["--revision", table.revision]
        self._python = python or sys.executable
        self._arguments = arguments
        self._name = name
        self._log = log
        self._command = [
            *(self._python, "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1"),
            *("--model", self._model, "--served-model-name", table.model, *revision, *_flags(arguments)),
        ]
        key = hashlib.blake2b(json.dumps(self._command).encode(), digest_size=16).hexdigest()
        folder = _folder()
        self._users_lock, self._start_lock, self._state = (folder / f"{key}.{kind}" for kind in ("users", "start", "json"))
        self._users: int | None = None

    async def join(self, ready: float) -> str:
        """Return the URL of a server that is ready, started within `ready` seconds where there is none.

        Raises UserError where it does not know an argument or its Python has no vLLM, RunError where it does not come up.
        """
        self._users = os.open(self._users_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        await _lock(self._users, fcntl.LOCK_SH)  # waits where a server of the same kind is just being stopped
        async with _locked(self._start_lock):
            port = await self._found()
            if port is None:
                port = await self._start(ready)
        return f"http://127.0.0.1:{port}/v1"

    def leave(self) -> None:
        """Let go of the server; its keeper stops it when nobody else holds it."""
        users, self._users = self._users, None
        if users is not None:
            os.close(users)

    async def _found(self) -> int | None:
        """Return the port of the server that runs already, None where there is none."""
        try:
            port = int(json.loads(self._state.read_bytes())["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return port if await _is_well(port) else None

    async def _start(self, ready: float) -> int:
        for left in reversed(range(PORT_TRIES)):
            port = _free_port()
            keeper = await asyncio.to_thread(self._spawn, port)
            try:
                if await self._came_up(keeper, port, time.monotonic() + ready):
                    self._state.write_text(json.dumps({"port": port}))
                    return port
                if not left or not _PORT_TAKEN.search(self._tail()):
                    raise await asyncio.to_thread(self._failure)
            except BaseException:
                keeper.terminate()  # it ends the server before itself
                await asyncio.to_thread(keeper.wait)
                raise
        raise AssertionError("the last try returns or raises")

    def _spawn(self, port: int) -> "subprocess.Popen[bytes]":
        environment = {name: value for name, value in os.environ.items() if name != "VLLM_API_KEY"}
        environment.pop("VLLM_LOGGING_CONFIG_PATH", None)  # it would send the server's lines to an engine's log
        program = [sys.executable, "-I", str(Path(vllm_keeper.__file__).resolve()), str(self._users_lock), str(self._state)]
        with open(self._log, "wb") as log:
            return subprocess.Popen(
                [*program, *self._command, "--port", str(port)],
                cwd=self._state.parent,  # an empty folder: `-m` looks into the current one first
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us; the keeper sees us go
            )

    async def _came_up(self, keeper: "subprocess.Popen[bytes]", port: int, until: float) -> bool:
        """Return whether the server is ready, False where it has ended.  Raises RunError where it takes too long."""
        while keeper.poll() is None:
            if await _is_well(port):
                return True
            if time.monotonic() > until:
                raise RunError(
                    f"[teacher.{self._name}] vLLM's server was not ready within ready_timeout; its last words: "
                    f"{self._last_words()}; its log is {self._log}"
                )
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _failure(self) -> Exception:
        """Return why the server ended before it was ready."""
        tail, where = self._tail(), f"[teacher.{self._name}]"
        if re.search(r"No module named '?vllm\b", tail):
            return UserError(f"{where} python = {self._python!r} has no vLLM; install it there, or name an environment that has it")
        if (unknown := _UNKNOWN.search(tail)) is not None:
            try:
                refuse_unknown({unknown[1].removeprefix("no-").replace("-", "_"): None}, self._known())
            except UserError as error:
                return UserError(f"{where} {error}")
        return RunError(f"{where} vLLM's server ended before it was ready: {self._last_words()}; its log is {self._log}")

    def _known(self) -> list[str]:
        asked = subprocess.run([self._python, "-c", _LIST_ARGUMENTS], capture_output=True, cwd=self._state.parent, timeout=300)
        try:
            known: list[str] = json.loads(asked.stdout.splitlines()[-1])
        except (IndexError, ValueError):
            return []
        return known

    def _tail(self) -> str:
        with open(self._log, "rb") as log:
            log.seek(max(0, os.path.getsize(self._log) - LOG_BYTES))
            return log.read().decode("utf-8", "replace")

    def _last_words(self) -> str:
        """Return the log's last error with the line that explains it, else its last line."""
        lines = [clean for line in self._tail().splitlines() if (clean := _PREFIX.sub("", line).strip())]
        named = [number for number, line in enumerate(lines) if _ERROR.match(line)]
        # The engine's own error says the cause; the server then only says that its engine failed.
        telling = [number for number in named if "Engine core initialization failed" not in lines[number]]
        if not lines:
            return "none"
        last = [len(lines) - 1, *named, *telling][-1]
        return " ".join(" ".join(lines[last : last + 2]).split())[:SAID_SHOWN]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _is_well(port: int) -> bool:
    timeout = aiohttp.ClientTimeout(total=HEALTH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(f"http://127.0.0.1:{port}/health") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False


class ServerClient:
    """Asks the server, and holds it while it does."""

    def __init__(self, client: Client, server: Server) -> None:
        self._client = client
        self._server = server

    async def ask(self, request: Request) -> Reply:
        """Return the reply.  Raises as the client of any server does."""
        return await self._client.ask(request)

    async def close(self) -> None:
        """Close the connections and let go of the server."""
        try:
            await self._client.close()
        finally:
            self._server.leave()


async def server_client(
    table: PaidTable,
    model: str,
    name: str,
    arguments: Table,
    log: str,
    *,
    python: str | None,
    ready: float,
    timeouts: tuple[float, float],
) -> ServerClient:
    """Return a client of this machine's server for a model.  Raises as `Server.join` does."""
    server = Server(table, model, name, arguments, log, python)
    timeout, idle_timeout = timeouts
    try:
        url = await server.join(ready)
        return ServerClient(await connect_to(url, table, name, timeout=timeout, idle_timeout=idle_timeout), server)
    except BaseException:
        server.leave()
        raise
