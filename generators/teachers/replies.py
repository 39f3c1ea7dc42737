"""Reading what servers send: replies, errors and Retry-After of OpenAI's protocol.  All of it is outside input."""

import datetime
import email.utils
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from generators.teachers.client import Api, Choice, Reply

SAID_SHOWN = 300  # characters of a server's own words in a message
MAX_COUNT = 2**31  # tokens of a reply: beyond it a count is nonsense


class Unreadable(Exception):
    """A body that is no reply; the text says what it is."""


class Said(NamedTuple):
    """A server's own words about a failure."""

    text: str
    code: str


def reply_in(body: bytes, n: int, api: Api) -> Reply:
    """Return the reply in a body, with at most n choices.  Raises Unreadable."""
    try:
        return _reply(_parsed(body), body, n, api)
    except (ValueError, OverflowError, RecursionError) as error:  # numbers and nesting beyond all measure
        raise Unreadable(f"{type(error).__name__} in {_shown(body)!r}") from error


def _reply(reply: dict[str, Any], body: bytes, n: int, api: Api) -> Reply:
    choices = reply.get("choices")
    if not isinstance(choices, list):
        raise Unreadable(f"no list of choices in {_shown(body)!r}")
    usage = reply.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    prompt_tokens, completion_tokens = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    read = _chat_choice if api == "chat" else _text_choice
    alone = completion_tokens if len(choices) == 1 else None
    read_choices = tuple(read(choice, alone, prompt_tokens) for choice in choices[:n])
    is_counted = prompt_tokens is not None and completion_tokens is not None
    return Reply(read_choices, prompt_tokens or 0, completion_tokens or 0, is_counted)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        reply = orjson.loads(body)
    except ValueError:
        reply = _parsed_loosely(body)
    if not isinstance(reply, dict):
        raise Unreadable(f"no JSON object but {_shown(body)!r}")
    return reply


def _parsed_loosely(body: bytes) -> Any:
    """Return what a body holds where orjson refuses it: bytes that are no UTF-8, and halves of surrogate pairs, become visible."""
    try:
        return _valid(json.loads(body.decode("utf-8", "surrogateescape")))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"no JSON but {_shown(body)!r}") from error


def _valid(value: Any) -> Any:
    """Return a JSON value whose texts are valid Unicode."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_valid(item) for item in value]
    return {_valid(name): _valid(item) for name, item in value.items()} if isinstance(value, dict) else value


def _chat_choice(choice: Any, tokens: int | None, prompt_tokens: int | None) -> Choice:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise Unreadable("a choice without a message")
    logprobs = choice.get("logprobs")
    listed = logprobs.get("content") if isinstance(logprobs, dict) else None
    values = [one.get("logprob") if isinstance(one, dict) else None for one in listed] if isinstance(listed, list) else None
    thought = message.get("reasoning") or message.get("reasoning_content")
    return Choice(
        text=_text(message.get("content")) or _text(message.get("refusal")),
        reasoning=_text(thought) or None,
        finish_reason=_word(choice.get("finish_reason")),
        tokens=tokens if values is None else len(values),
        logprob=_sum(values),
        prompt_tokens=prompt_tokens,
    )


def _text_choice(choice: Any, tokens: int | None, prompt_tokens: int | None) -> Choice:
    if not isinstance(choice, dict) or not isinstance(choice.get("text"), str):
        raise Unreadable("a choice without a text")
    logprobs = choice.get("logprobs")
    values = logprobs.get("token_logprobs") if isinstance(logprobs, dict) else None
    values = values if isinstance(values, list) else None
    return Choice(
        text=choice["text"],
        finish_reason=_word(choice.get("finish_reason")),
        tokens=tokens if values is None else len(values),
        logprob=_sum(values),
        prompt_tokens=prompt_tokens,
    )


def _text(content: Any) -> str:
    """Return a content as text: as it is, or the texts of its parts; nothing for null."""
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) if isinstance(part, dict) else _text(part) for part in content)
    raise Unreadable("a content that is no text")


def _word(value: Any) -> str | None:
    return value[:100] if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    value = int(value) if isinstance(value, float) and value.is_integer() else value
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT else None


def _sum(values: list[Any] | None) -> float | None:
    if not values or any(not isinstance(value, int | float) for value in values):
        return None
    try:
        total = math.fsum(values)
    except (OverflowError, ValueError):
        return None
    return total if math.isfinite(total) else None


def error_in(body: bytes) -> Said:
    """Return the server's own words and code in the body of a failure, in one short line."""
    try:
        error: Any = orjson.loads(body)
    except ValueError:
        return Said(_shown(body), "")
    for name in ("error", "detail"):
        if isinstance(error, dict) and name in error:
            error = error[name]
    inner = error if isinstance(error, dict) else {}
    text = inner.get("message", error)
    code = inner.get("code")
    return Said(_one_line(text) if isinstance(text, str) else _shown(body), str(code) if isinstance(code, str | int) else "")


def _shown(body: bytes) -> str:
    return _one_line(body[: 4 * SAID_SHOWN].decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SAID_SHOWN else line[: SAID_SHOWN - 1] + "…"


def retry_after_in(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait, None where it does not: a number or a date (RFC 9110, section 10.2.3)."""
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = email.utils.parsedate_to_datetime(value)
            now = datetime.datetime.now(until.tzinfo)
            seconds = (until - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
