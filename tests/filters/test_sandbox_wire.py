"""What crosses the pipe between the two processes of a test."""

import json
import math
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.sandbox.inside import wire

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-(10**400), 10**400), st.floats(allow_nan=False), st.text(), st.binary()
)
hashable = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner).map(tuple), st.frozensets(inner)), max_leaves=4)
values = st.recursive(
    st.one_of(
        scalars, st.complex_numbers(allow_nan=False), st.binary().map(bytearray), st.builds(range, st.integers(), st.integers())
    ),
    lambda inner: st.one_of(
        st.lists(inner), st.lists(inner).map(tuple), st.dictionaries(hashable, inner), st.sets(hashable), st.frozensets(hashable)
    ),
    max_leaves=10,
)


def refuse(*_: Any) -> Any:
    raise wire.Unsendable


def crossed(value: Any) -> Any:
    return wire.decode(json.loads(json.dumps(wire.encode(value, refuse))), refuse)


def types(value: Any) -> Any:
    """Return a value's type with those of its parts."""
    if isinstance(value, dict):
        return dict, sorted(repr((types(key), types(item))) for key, item in value.items())
    if isinstance(value, set | frozenset):
        return type(value), sorted(repr(types(item)) for item in value)
    return (type(value), tuple(map(types, value))) if isinstance(value, list | tuple) else type(value)


@settings(max_examples=20)
@given(values)
def test_plain_data_comes_across_as_it_was_with_its_types(value: Any) -> None:
    back = crossed(value)
    assert back == value
    assert types(back) == types(value)


def test_what_json_lacks_comes_across() -> None:
    assert math.isnan(crossed(math.nan))
    assert crossed(-math.inf) == -math.inf
    assert math.copysign(1, crossed(-0.0)) == -1
    assert crossed("\ud800") == "\ud800"
    assert crossed(10**50_000) == 10**50_000  # json itself refuses to read so many digits
    assert [type(one) for one in crossed([True, 1, 1.0])] == [bool, int, float]


class Liar(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


@pytest.mark.parametrize("value", [Liar(3), object(), [Liar(3)], {1: object()}, {Liar(3)}, (len,), Counter("a")])
def test_what_is_no_plain_type_is_referred(value: Any) -> None:
    with pytest.raises(wire.Unsendable):
        wire.encode(value, refuse)


def test_depth_is_bounded_and_a_cycle_is_deep() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    nested: Any = 0
    for _ in range(wire.DEPTH):
        nested = [nested]
    assert crossed(nested) == nested
    for value in (cycle, [nested]):
        with pytest.raises(wire.Unsendable):
            wire.encode(value, refuse)


deep: Any = ["list"]
for _ in range(wire.DEPTH):
    deep = ["list", deep]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"a": 1},
        [],
        [1],
        [None],
        [["list"]],
        ["unknown", 1],
        ["dict", 1],
        ["dict", ["list"], 1],
        ["set", ["list"]],
        ["set", ["dict"]],
        ["complex", 1, 2],
        ["complex", 1.0],
        ["complex", 1.0, "2"],
        ["range", 1, 2],
        ["range", 1, 2, 0],
        ["range", 1, 2, True],
        ["range", 1, 2, 1.5],
        ["int", 5],
        ["int", "z"],
        ["int", "ff", "ff"],
        ["bytes", "f"],
        ["bytes", "zz"],
        ["bytes", 3],
        ["list", {"__class__": "str"}],
        ["__import__", "os"],
        ["getattr", "x"],
        deep,
    ],
)
def test_anything_else_is_garbled(message: Any) -> None:
    with pytest.raises(wire.Garbled):
        wire.decode(message, refuse)


@settings(max_examples=20)
@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()), lambda inner: st.lists(inner)))
def test_whatever_json_says_is_plain_or_garbled(message: Any) -> None:
    def resolve(_: list[Any]) -> Any:
        raise wire.Garbled

    try:
        value = wire.decode(message, resolve)
    except wire.Garbled:
        return
    assert wire.encode(value, refuse) is not None or value is None


def pipe_with(content: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_frames_come_one_by_one_and_then_the_end() -> None:
    reading, writing = os.pipe()
    wire.send(writing, [1, "a"])
    wire.send(writing, {"b": None})
    os.close(writing)
    assert wire.receive(reading) == [1, "a"]
    assert wire.receive(reading) == {"b": None}
    with pytest.raises(wire.Gone):
        wire.receive(reading)
    os.close(reading)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", wire.Gone),
        (b"\0\0", wire.Gone),
        (b"\0\0\0\5[1", wire.Gone),
        (b"\0\0\0\2[1", wire.Garbled),
        (b"\0\0\0\1\xff", wire.Garbled),
        (b"\xff\xff\xff\xff[]", wire.Garbled),
        (b"\0\0\x27\x10" + b"[" * 10_000, wire.Garbled),
    ],
)
def test_a_frame_that_is_none_is_said_to_be_so(content: bytes, kind: type[Exception]) -> None:
    reading = pipe_with(content)
    with pytest.raises(kind):
        wire.receive(reading)
    os.close(reading)


def test_a_frame_too_large_is_not_sent_and_a_closed_pipe_is_gone() -> None:
    reading, writing = os.pipe()
    with pytest.raises(wire.Unsendable):
        wire.send(writing, "x" * wire.FRAME_BYTES)
    os.close(reading)
    with pytest.raises(wire.Gone):
        wire.send(writing, [1])
    os.close(writing)
