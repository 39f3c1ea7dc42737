"""Plain data on a pipe: frames of JSON in which tags tell Python's types apart.

Nothing that is read can run, or lie about its type.
"""

import json
import os
from collections.abc import Callable
from typing import Any

FRAME_BYTES = 8 << 20  # a million small integers
DEPTH = 64  # containers in containers
_WHOLE = 1 << 63  # integers of more digits go as hexadecimal, which is read in linear time
_COLLECTIONS: dict[str, Callable[[list[Any]], Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_BYTES: dict[str, Callable[[bytes], Any]] = {"bytes": bytes, "bytearray": bytearray}
Refer = Callable[[Any, int], Any]
Resolve = Callable[[list[Any]], Any]


class Unsendable(Exception):
    """A value is too deep or too large to send."""


class Garbled(Exception):
    """What came is none of this module's frames."""


class Gone(Exception):
    """The other end has closed the pipe."""


def encode(value: Any, refer: Refer, depth: int = DEPTH) -> Any:
    """Return `value` as JSON's types; `refer(value, depth)` does so for what has none of Python's plain types.

    Raises Unsendable.
    """
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        return value if -_WHOLE < value < _WHOLE else ["int", hex(value)]
    if depth == 0:
        raise Unsendable
    name = kind.__name__
    if kind is list or kind is tuple or kind is set or kind is frozenset:
        return [name, *[encode(item, refer, depth - 1) for item in value]]
    if kind is dict:
        return [name, *[encode(item, refer, depth - 1) for pair in value.items() for item in pair]]
    if kind is bytes or kind is bytearray:
        return [name, value.hex()]
    if kind is complex:
        return [name, value.real, value.imag]
    if kind is range:
        return [name, *[encode(bound, refer, depth - 1) for bound in (value.start, value.stop, value.step)]]
    return refer(value, depth)


def decode(wire: Any, resolve: Resolve, depth: int = DEPTH) -> Any:
    """Return the value that `encode` wrote; every part of it has exactly one of the plain types or comes from `resolve`.

    Raises Garbled on anything else.
    """
    kind = type(wire)
    if wire is None or kind is bool or kind is str or kind is float or kind is int:
        return wire
    if kind is not list or depth == 0 or not wire or type(wire[0]) is not str:
        raise Garbled
    tag, parts = wire[0], wire[1:]
    if tag in ("int", "bytes", "bytearray"):
        return _from_text(tag, parts)
    if tag in ("object", "name"):
        return resolve(wire)
    items = [decode(part, resolve, depth - 1) for part in parts]
    try:
        return _built(tag, items)
    except (TypeError, ValueError) as error:  # a key that has no hash, a step of zero
        raise Garbled from error


def send(fd: int, message: Any) -> None:
    """Write one frame.  Raises Unsendable where it is too large, Gone where nobody reads."""
    frame = json.dumps(message, separators=(",", ":")).encode()
    if len(frame) > FRAME_BYTES:
        raise Unsendable
    unsent = memoryview(len(frame).to_bytes(4, "big") + frame)
    try:
        while unsent:
            unsent = unsent[os.write(fd, unsent) :]
    except OSError as error:
        raise Gone from error


def receive(fd: int) -> Any:
    """Return the next frame's message.  Raises Gone at the end, Garbled where it is too large or no JSON."""
    size = int.from_bytes(_exactly(fd, 4), "big")
    if size > FRAME_BYTES:
        raise Garbled
    try:
        return json.loads(_exactly(fd, size))
    except (ValueError, RecursionError) as error:
        raise Garbled from error


def _exactly(fd: int, size: int) -> bytearray:
    received = bytearray()
    while len(received) < size:
        try:
            piece = os.read(fd, min(size - len(received), 1 << 16))
        except OSError as error:
            raise Gone from error
        if not piece:
            raise Gone
        received += piece
    return received


def _from_text(tag: str, parts: list[Any]) -> Any:
    if len(parts) != 1 or type(parts[0]) is not str:
        raise Garbled
    try:
        return int(parts[0], 16) if tag == "int" else _BYTES[tag](bytes.fromhex(parts[0]))
    except ValueError as error:
        raise Garbled from error


def _built(tag: str, items: list[Any]) -> Any:
    collection = _COLLECTIONS.get(tag)
    if collection is not None:
        return collection(items)
    if tag == "dict" and len(items) % 2 == 0:
        return dict(zip(items[::2], items[1::2], strict=True))
    if tag == "complex" and [type(item) for item in items] == [float, float]:
        return complex(*items)
    if tag == "range" and [type(item) for item in items] == [int, int, int]:
        return range(*items)
    raise Garbled
