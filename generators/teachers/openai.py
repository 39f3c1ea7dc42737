"""Any server that speaks OpenAI's protocol: `vllm serve`, SGLang, llama.cpp, hosted providers.

aiohttp, uvloop and orjson: by measurement (2,000 prompts, 50 ms a call) OpenAI's own SDK costs 21 times the CPU of this.
"""

import asyncio
import json
import os
import re
import urllib.parse
import urllib.request
from typing import Any, Literal

import aiohttp
import orjson
import yarl
from pydantic import Field, field_validator

from generators.teachers.client import Choice, Client, PaidTable, Refused, Reply, Request, Sampling, Transient
from generators.teachers.replies import Said, Unreadable, error_in, reply_in, retry_after_in
from schemas.errors import UserError
from schemas.problem import MAX_TEXT_BYTES
from schemas.recipe import Table

MAX_REPLY_BYTES = 64 * MAX_TEXT_BYTES  # more choices of full length than one request brings
KEY_SHOWN = "[api key]"  # what stands where a server repeats the key
CONNECT_SECONDS = 30.0  # aiohttp's own bound on opening a socket
# What extra_body may not hold: we send it, or cannot read it, or it would go past the budget.
RESERVED = ("model", "messages", "prompt", "n", "seed", "stream", "best_of", *Sampling.model_fields)
SHORTEST_KEY = 8  # shorter ones are no keys but the words that local servers are content with, which texts may well hold

_TOO_LONG = re.compile(r"context.{0,20}(length|window|size)|max_model_len|(prompt|input).{0,40}too long|maximum.{0,40}tokens", re.I)


class HttpTable(PaidTable):
    """The keys of every teacher that is asked at an address."""

    base_url: str = Field(description="such as http://127.0.0.1:8000/v1")
    api_key_env: str | None = Field(
        None, pattern=r"^[A-Z_][A-Z0-9_]*$", description="the environment's variable that holds the key, such as OPENAI_API_KEY"
    )
    extra_body: Table = Field({}, description="further keys of every request, as the server knows them")
    # A chain of 32,768 tokens at 40 a second takes 819 s; twice that lets it wait its turn on the server.
    timeout: float = Field(1800.0, gt=0, description="seconds that one call may take")
    idle_timeout: float | None = Field(
        None, gt=0, description="seconds without a byte from the server; most servers send nothing before an answer is whole"
    )

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("base_url must begin with http:// or https:// and a host, as in http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("base_url must hold no password and no query: a key comes from the environment, by api_key_env")
        try:
            _ = parts.port
        except ValueError as error:
            raise ValueError("base_url must have a port from 0 to 65535") from error
        return url

    @field_validator("extra_body")
    @classmethod
    def _is_extra(cls, body: Table) -> Table:
        for name in RESERVED:
            if name in body:
                raise ValueError(f"extra_body must not hold {name!r}: it has a place of its own, or an answer that is not read")
        try:
            orjson.dumps(body)
            json.dumps(body, allow_nan=False)
        except (ValueError, TypeError) as error:
            raise ValueError(f"extra_body must be plain JSON: {error}") from error
        return body

    @property
    def client(self) -> "type[OpenAIClient]":
        """Return what asks the server."""
        return OpenAIClient

    def identity(self) -> Table:
        """Return what decides the answers: not where the server is, nor how fast it is asked."""
        return {**super().identity(), "extra_body": self.extra_body}

    def check_key(self, name: str) -> None:
        """Raise UserError where the environment does not hold the key."""
        _key(self.api_key_env, name)

    async def connect(self, name: str, folder: str, shared: bool) -> Client:
        """Return the client.  Raises UserError where the key is not in the environment."""
        return await connect_to(
            self.base_url,
            self,
            name,
            key=_key(self.api_key_env, name),
            extra_body=self.extra_body,
            timeout=self.timeout,
            idle_timeout=self.idle_timeout,
            client=self.client,
        )


class OpenAITable(HttpTable):
    """`[teacher.NAME]` with kind = "openai"."""

    kind: Literal["openai"]


def _key(variable: str | None, name: str) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise UserError(f"[teacher.{name}] api_key_env = {variable!r}: the environment holds no such variable; export {variable}=…")
    if not key.isascii() or not key.isprintable():
        raise UserError(f"[teacher.{name}] api_key_env = {variable!r}: its value holds characters that no key has; export it anew")
    return key


async def connect_to(
    base_url: str,
    table: PaidTable,
    name: str,
    *,
    key: str | None = None,
    extra_body: Table | None = None,
    timeout: float,
    idle_timeout: float | None = None,
    client: "type[OpenAIClient] | None" = None,
) -> Client:
    """Return a client of the server at `base_url`.  The key is sent to it and kept nowhere."""
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),  # calls are counted by the flow; names looked up now and then
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),  # a call means nothing to the next one
        # By measurement aiohttp's own timers took 5 % of the loop's thread; `Watch` has one for all calls.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(CONNECT_SECONDS, timeout), sock_read=idle_timeout),
    )
    return (client or OpenAIClient)(session, base_url, table, name, key, extra_body or {}, timeout)


class Watch:
    """Ends calls that take longer than `timeout` seconds: one timer for all of them, which is late by a fiftieth at most."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._began: dict[asyncio.Task[Any], float] = {}  # the oldest first
        self._ended: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> asyncio.Task[Any]:
        """Watch over the current task."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._began[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._timeout / 50, self._look)
        return task

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Watch no more; return whether the call was ended for its time."""
        self._began.pop(task, None)
        if task in self._ended:
            self._ended.discard(task)
            task.uncancel()
            return True
        return False

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        late = loop.time() - self._timeout
        for task in [task for task, began in self._began.items() if began <= late]:
            del self._began[task]
            self._ended.add(task)
            task.cancel()
        self._timer = loop.call_later(self._timeout / 50, self._look) if self._began else None


class OpenAIClient:
    """Sends requests over one pool of connections."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        table: PaidTable,
        name: str,
        key: str | None,
        extra_body: Table,
        timeout: float,
    ) -> None:
        self._url = yarl.URL(base_url.rstrip("/") + self._path(table))
        self._session = session
        self._watch = Watch(timeout)
        self._table = table
        self._name = name
        self._has_key = key is not None
        self._secret = re.compile(re.escape(key), re.I) if key is not None and len(key) >= SHORTEST_KEY else None
        self._extra_body = extra_body
        self._proxy = _proxy(base_url)
        self._answered = False
        self._sampling, self._head = table.sampling, self._head_of(table.sampling)

    def _path(self, table: PaidTable) -> str:
        return "/chat/completions" if table.api == "chat" else "/completions"

    def _reply(self, body: bytes, request: Request) -> Reply:
        """Return the reply in a body.  Raises Unreadable."""
        return reply_in(body, request.n, self._table.api)

    async def ask(self, request: Request) -> Reply:
        """Return the reply to one request.  Raises as `Client.ask` says."""
        task = self._watch.begin()
        try:
            async with self._session.post(
                self._url, data=self._body(request), proxy=self._proxy, allow_redirects=False
            ) as response:
                body = await _bounded(response)
        except asyncio.CancelledError:
            if not self._watch.end(task):
                raise
            raise Transient(f"no answer in time from {self._url}", slow_down=True) from None
        except TimeoutError as error:
            raise Transient(f"no answer in time from {self._url}", slow_down=True) from error
        except aiohttp.InvalidURL as error:
            raise UserError(f"[teacher.{self._name}] base_url leads to {self._url!r}, which is no URL; mend it") from error
        except aiohttp.ClientConnectorError as error:
            where = f"the proxy that the environment names, for {self._url}" if self._proxy else str(self._url)
            raise Transient(self._hidden(f"cannot connect to {where}: {_cause(error)}"), unreachable=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise Transient(self._hidden(f"lost the connection to {self._url}: {_cause(error)}")) from None
        finally:
            self._watch.end(task)
        if response.status != 200:
            raise self._failure(response, body)
        try:
            reply = self._without_key(self._reply(body, request))
        except Unreadable as error:
            why = f"{self._url} sent no reply that can be read: {error} ({response.content_type})"
            raise Transient(self._hidden(why), answered=True) from None
        if not reply.choices:
            raise Transient(f"{self._url} sent a reply without choices", billed=reply, answered=True)
        self._answered = True
        return reply

    def _without_key(self, reply: Reply) -> Reply:
        """Return a reply without the key, which JSON can write in many ways."""
        texts = (text for choice in reply.choices for text in choice if isinstance(text, str))
        if self._secret is None or not any(self._secret.search(text) for text in texts):
            return reply
        clean = [Choice._make(self._hidden(part) if isinstance(part, str) else part for part in choice) for choice in reply.choices]
        return reply._replace(choices=tuple(clean))

    def _hidden(self, text: str) -> str:
        return text if self._secret is None else self._secret.sub(KEY_SHOWN, text)

    def _head_of(self, sampling: Sampling) -> dict[str, Any]:
        return {"model": self._table.model, **sampling.sent(), **self._extra_body}

    def _body(self, request: Request) -> bytes:
        if request.sampling is not self._sampling:  # nearly always the teacher's own, so it is made ready once
            self._sampling, self._head = request.sampling, self._head_of(request.sampling)
        body = self._head.copy()
        if self._table.api == "chat":
            body["messages"] = [{"role": role, "content": content} for role, content in request.messages]
        else:
            body["prompt"] = self._table.text_of(request.messages)
            if request.sampling.logprobs:
                body["logprobs"] = 1  # of this older protocol: how many tokens to list
        if request.n != 1:
            body["n"] = request.n
        if request.seed is not None:
            body["seed"] = request.seed
        return orjson.dumps(body)

    def _failure(self, response: aiohttp.ClientResponse, body: bytes) -> Exception:
        """Return what a status other than 200 means."""
        status, said = response.status, Said(*map(self._hidden, error_in(body)))
        told = f"{status} from {self._url}" + (f": {said.text}" if said.text else "")
        where = f"[teacher.{self._name}]"
        if status == 401 or (status == 403 and not self._answered):
            mend = (
                "its key is not accepted: mend what api_key_env names"
                if self._has_key
                else "it wants a key: name its variable in api_key_env"
            )
            return UserError(f"{where} {told}; {mend}")
        if status == 404:
            return UserError(f"{where} {told}; mend base_url, or model = {self._table.model!r}, as the server knows them")
        if status == 402 or said.code == "insufficient_quota":
            return UserError(f"{where} {told}; top up the account: the same command goes on from there")
        if status < 400 or status == 405:
            return UserError(f"{where} {told}; base_url leads elsewhere: give the address that answers itself, often ending in /v1")
        if status in (408, 409, 425, 429) or status >= 500:
            slow_down = status in (408, 429, 503, 504, 529)  # 529: overloaded, of Anthropic's servers
            return Transient(told, slow_down=slow_down, retry_after=retry_after_in(response.headers), answered=not slow_down)
        too_long = said.code == "context_length_exceeded" or status == 413 or _TOO_LONG.search(said.text) is not None
        return Refused("prompt_too_long" if too_long else "request_refused", told)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """Return the body.  Raises aiohttp.ClientPayloadError where it is over MAX_REPLY_BYTES."""
    if (
        response.content_length is not None
        and response.content_length <= MAX_REPLY_BYTES
        and "Content-Encoding" not in response.headers
    ):
        return await response.read()
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MAX_REPLY_BYTES:
            raise aiohttp.ClientPayloadError(f"a reply of over {MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a URL."""
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or urllib.request.proxy_bypass(host):
        return None  # what runs here is asked here
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or "://" not in proxy:
        return f"http://{proxy}" if proxy else None
    if not proxy.startswith(("http://", "https://")):
        raise UserError(
            f"the environment's proxy for {parts.scheme}:// is a {proxy.split('://')[0]} one; only http:// ones are spoken to"
        )
    return proxy


def _cause(error: BaseException) -> str:
    inner = getattr(error, "os_error", error)
    return " ".join(str(getattr(inner, "strerror", None) or inner or type(inner).__name__).split())[:200]
