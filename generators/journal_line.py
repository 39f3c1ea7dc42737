"""A line of the journal: one response, with what the log has cost so far and a check sum of its bytes."""

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from generators.teachers.client import Choice, Reply

CRC_BYTES = 18  # of ,"crc":"01234567"}
KEY_DIGITS = frozenset("0123456789abcdef")
KEY_LENGTH = 32
MAX_COUNT = 2**53  # JSON's readers agree on whole numbers as far as this (RFC 8259, section 6)
COUNTS = 3  # calls, prompt tokens, completion tokens

Fields = dict[str, Any]
Sums = dict[str, dict[str, list[int]]]  # teacher → role → calls, prompt tokens, completion tokens: `spent` as a line has it


class Usage(NamedTuple):
    """What was used: calls, and tokens as the servers count them."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum of both, at most MAX_COUNT."""
        return Usage(*(min(mine + its, MAX_COUNT) for mine, its in zip(self, other, strict=True)))


Spent = dict[tuple[str, str], Usage]  # by teacher and role


class Entry(NamedTuple):
    """One response."""

    key: str  # of the prompt: 32 hexadecimal digits
    teacher: str
    role: str
    at: tuple[int, ...]  # the number of the sample that each choice is
    reply: Reply
    seconds: float


def encoded(entry: Entry, spent: Sums) -> bytes:
    """Return the line of an entry.  `spent` is the log's sum with it; choices beyond those that `at` numbers are left out."""
    key, teacher, role, at, reply, seconds = entry
    fields = {
        "key": key,
        "teacher": teacher,
        "role": role,
        "at": at,
        "choices": [_fields(choice) for choice in reply.choices[: len(at)]],
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "seconds": seconds,
        "spent": spent,
    }
    try:
        return sealed(fields)
    except TypeError:  # half a surrogate pair, which UTF-8 has no bytes for: it was paid for all the same
        mended: Fields = _mended(fields)
        return sealed(mended)


def _fields(choice: Choice) -> Fields:
    text, reasoning, finish_reason, tokens, logprob, prompt_tokens = choice
    fields: Fields = {"text": text}
    if reasoning is not None:
        fields["reasoning"] = reasoning
    if finish_reason is not None:
        fields["finish_reason"] = finish_reason
    if tokens is not None:
        fields["tokens"] = tokens
    if logprob is not None:
        fields["logprob"] = logprob
    if prompt_tokens is not None:
        fields["prompt_tokens"] = prompt_tokens
    return fields


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(name): _mended(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(one) for one in value]
    return value


def sealed(fields: Fields) -> bytes:
    """Return a line with its check sum.  Raises TypeError where JSON has no way to say a value."""
    body = orjson.dumps(fields)[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body))


def opened(line: bytes) -> Fields | None:
    """Return the fields of a line, with or without its newline; None where its bytes or its shape are not what was written."""
    end = len(line) - (line[-1:] == b"\n")
    if line[end - CRC_BYTES : end] != b',"crc":"%08x"}' % zlib.crc32(memoryview(line)[: max(0, end - CRC_BYTES)]):
        return None
    try:
        fields = orjson.loads(memoryview(line)[:end])
    except ValueError:
        return None
    return fields if type(fields) is dict and _is_response(fields) else None


def _is_response(fields: Fields) -> bool:
    get = fields.get
    key, at, choices, replaces = get("key"), get("at"), get("choices"), get("replaces", [])
    return (
        type(key) is str
        and len(key) == KEY_LENGTH
        and KEY_DIGITS.issuperset(key)
        and type(get("teacher")) is str
        and type(get("role")) is str
        and type(at) is list
        and type(choices) is list
        and len(at) == len(choices) == len(set(map(_number, at)) - {-1})
        and all(map(_is_choice, choices))
        and _number(get("prompt_tokens")) >= 0
        and _number(get("completion_tokens")) >= 0
        and type(get("seconds")) in (int, float)
        and _is_spent(get("spent"))
        and type(replaces) is list
        and all(type(name) is str for name in replaces)
    )


def _number(value: object) -> int:
    return value if type(value) is int and 0 <= value <= MAX_COUNT else -1


_KINDS = {
    "text": (str,),
    "reasoning": (str,),
    "finish_reason": (str,),
    "tokens": (int,),
    "logprob": (float, int, type(None)),  # None for what is no number
    "prompt_tokens": (int,),
}


def _is_choice(value: object) -> bool:
    return (
        type(value) is dict
        and "text" in value
        and value.keys() <= _KINDS.keys()
        and all(type(one) in _KINDS[name] for name, one in value.items())
    )


def _is_spent(value: object) -> bool:
    return type(value) is dict and all(
        type(roles) is dict and all(type(counts) is list and _are_counts(counts) for counts in roles.values())
        for roles in value.values()
    )


def _are_counts(counts: list[object]) -> bool:
    return len(counts) == COUNTS and -1 not in map(_number, counts)


def choice_of(fields: Mapping[str, Any]) -> Choice:
    """Return the choice that a sound line holds as `fields`."""
    get = fields.get
    return Choice(fields["text"], get("reasoning"), get("finish_reason"), get("tokens"), get("logprob"), get("prompt_tokens"))


def spent_of(fields: Fields) -> Spent:
    """Return the sum that a sound line carries."""
    return {(teacher, role): Usage(*counts) for teacher, roles in fields["spent"].items() for role, counts in roles.items()}


def sums_of(spent: Spent) -> Sums:
    """Return a sum as a line carries it."""
    sums: Sums = {}
    for (teacher, role), usage in spent.items():
        sums.setdefault(teacher, {})[role] = list(usage)
    return sums


def add(spent: Spent, more: Spent) -> None:
    """Add `more` to `spent`."""
    for who, usage in more.items():
        spent[who] = spent.get(who, Usage()).plus(usage)
