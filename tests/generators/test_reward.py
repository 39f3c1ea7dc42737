"""What is taken for a number in a reward model's reply."""

import contextlib
import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from generators.teachers.client import Request, Sampling
from generators.teachers.replies import Unreadable
from generators.teachers.reward import MAX_NUMBERS, RewardClient, RewardTable

URL = "http://127.0.0.1:9/v1"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["data", "0", "x"]), inner, max_size=3),
    max_leaves=20,
)


def _table(**keys: object) -> RewardTable:
    return RewardTable.model_validate({"kind": "reward", "base_url": URL, "model": "m", **keys})


def _number(data: object, **keys: object) -> float:
    return _table(**keys).number_in(orjson.dumps({"data": [{"data": data}]}))


@given(VALUES, st.sampled_from(["last", "min", "mean", "product"]), st.booleans())
def test_any_reply_gives_a_finite_number_or_is_unreadable(value: object, reduce: str, sigmoid: bool) -> None:
    table = _table(reduce=reduce, sigmoid=sigmoid)
    for body in (orjson.dumps(value), orjson.dumps({"data": [{"data": value}]}), json.dumps({"data": [{"data": value}]}).encode()):
        try:
            number = table.number_in(body)
        except Unreadable:
            continue
        assert math.isfinite(number) and (0 <= number <= 1 or not sigmoid)


@given(st.binary(max_size=60))
def test_any_bytes_are_unreadable_or_a_number(body: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert math.isfinite(_table(score="0").number_in(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": [{"data": 1e999}]}',
        b'{"data": [{"data": ' + b"9" * 5000 + b"}]}",
        b'{"data": [{"data": NaN}]}',
        b"[" * 100_000,
        b'{"data": [{"data": true}]}',
        b'{"data": [{"data": []}]}',
        b'{"data": [{"data": [1, "2"]}]}',
        b'{"data": []}',
        b'{"data": {"0": {"data": null}}}',
        b"",
        b"<html>",
    ],
)
def test_what_is_no_number_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        _table().number_in(body)


def test_lists_are_reduced_in_order_however_they_are_nested() -> None:
    steps = [[0.5], [0.25, []], 0.75]
    assert _number(steps) == 0.75
    assert _number(steps, reduce="min") == 0.25
    assert _number(steps, reduce="mean") == 0.5
    assert _number(steps, reduce="product") == 0.5 * 0.25 * 0.75
    assert _number(3) == 3.0 and _number([[2]]) == 2.0


def test_what_overflows_when_it_is_reduced_is_unreadable() -> None:
    for reduce in ("mean", "product"):
        with pytest.raises(Unreadable, match="no finite number"):
            _number([1e308] * 4, reduce=reduce)
    assert _number([1e308] * 4, reduce="min") == 1e308


def test_a_reply_of_more_numbers_than_a_context_has_tokens_is_unreadable() -> None:
    assert _number([1.0] * (MAX_NUMBERS - 1)) == 1.0
    with pytest.raises(Unreadable):
        _number([1.0] * (MAX_NUMBERS + 1))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_sigmoid_is_a_probability_at_any_logit(logit: float) -> None:
    one, other = _number(logit, sigmoid=True), _number(-logit, sigmoid=True)
    assert 0 <= one <= 1 and math.isclose(one + other, 1)
    assert (one > 0.5) == (logit > 0) or abs(logit) < 1e-15


def test_the_path_says_where_the_number_is() -> None:
    table = _table(path="/classify", score="data.0.probs.1")
    assert table.number_in(b'{"data": [{"probs": [0.25, 0.75]}]}') == 0.75
    with pytest.raises(Unreadable, match="nothing at score"):
        table.number_in(b'{"data": [{"probs": [0.25]}]}')
    for wrong in ("pooling", "/../x y", "//?x"):
        with pytest.raises(ValidationError):
            _table(path=wrong)
    with pytest.raises(ValidationError, match="a reward model says one number"):
        _table(seeded=True)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 7}, 7),
        ({}, None),
        (None, None),
        ([1], None),
        ({"prompt_tokens": True}, None),
        ({"prompt_tokens": 2**62}, None),
    ],
)
def test_usage_is_counted_where_it_is_told(usage: object, tokens: int | None) -> None:
    client = object.__new__(RewardClient)
    client._table, client._answered = _table(), True
    request = Request((), Sampling(), 1, None)
    reply = client._reply(orjson.dumps({"data": [{"data": 0.1}], "usage": usage}), request)
    assert (reply.prompt_tokens, reply.is_counted) == (tokens or 0, tokens is not None)
    assert [(choice.text, choice.tokens) for choice in reply.choices] == [("0.1", 0)]


def test_what_decides_the_number_is_its_identity_and_where_it_is_asked_is_not() -> None:
    assert _table().identity() == _table(base_url="http://elsewhere/v1", timeout=5.0).identity()
    changes: list[dict[str, object]] = [{"path": "/x"}, {"score": "x"}, {"reduce": "min"}, {"sigmoid": True}, {"model": "n"}]
    identities = [json.dumps(_table(**change).identity(), sort_keys=True) for change in [{}, *changes]]
    assert len(set(identities)) == len(identities)
