"""Replies of servers: every dialect is read, nothing hostile crashes or is taken for an answer."""

import datetime
import email.utils
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from generators.teachers.client import Choice
from generators.teachers.replies import SAID_SHOWN, Unreadable, error_in, reply_in, retry_after_in

USAGE = {"prompt_tokens": 7, "completion_tokens": 9}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["choices", "message", "content", "text", "usage", "error", "logprobs"]), inner)
    ),
    max_leaves=12,
)


def _chat(*messages: object, **choice: object) -> bytes:
    choices = [{"message": message, "finish_reason": "stop", **choice} for message in messages]
    return json.dumps({"choices": choices, "usage": USAGE}).encode()


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_a_thought_that_is_kept_apart_stays_apart(name: str) -> None:
    (choice,) = reply_in(_chat({"content": "4", name: "2 + 2"}), 1, "chat").choices
    assert choice == Choice("4", reasoning="2 + 2", finish_reason="stop", tokens=9, prompt_tokens=7)


def test_a_content_in_parts_and_none_at_all_are_texts() -> None:
    parts = {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
    reply = reply_in(_chat(parts, {"content": None}, {"content": None, "refusal": "I will not."}), 3, "chat")
    assert [choice.text for choice in reply.choices] == ["ab", "", "I will not."]
    assert (reply.prompt_tokens, reply.completion_tokens) == (7, 9)
    assert {choice.tokens for choice in reply.choices} == {None}  # nine tokens of three choices: of which, nobody says


def test_log_probabilities_are_summed_and_counted() -> None:
    listed = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -0.25}]}
    (choice,) = reply_in(_chat({"content": "ab"}, logprobs=listed), 1, "chat").choices
    assert (choice.logprob, choice.tokens) == (-0.75, 2)
    text = {"text": "ab", "finish_reason": "length", "logprobs": {"token_logprobs": [-1, -2.5]}}
    (choice,) = reply_in(json.dumps({"choices": [text]}).encode(), 1, "completions").choices
    assert (choice.logprob, choice.tokens, choice.finish_reason) == (-3.5, 2, "length")


def test_more_choices_than_were_asked_for_are_left() -> None:
    assert len(reply_in(_chat(*[{"content": "x"}] * 5), 2, "chat").choices) == 2


@given(st.text(st.characters(exclude_categories=())))
@example("half \ud800 of a pair")
def test_any_text_comes_through_as_valid_unicode(text: str) -> None:
    (choice,) = reply_in(_chat({"content": text}), 1, "chat").choices
    choice.text.encode()
    if text.isascii():
        assert choice.text == text


@given(JSON, st.sampled_from(["chat", "completions"]))
def test_no_json_crashes_the_reader(value: object, api: str) -> None:
    body = json.dumps(value).encode()
    error_in(body)
    try:
        reply = reply_in(body, 3, api)  # type: ignore[arg-type]
    except Unreadable:
        return
    assert all(isinstance(choice.text, str) for choice in reply.choices)


@given(st.binary())
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    said = error_in(body)
    assert len(said.text) <= SAID_SHOWN and "\n" not in said.text
    with pytest.raises(Unreadable):
        reply_in(body, 1, "chat")


@given(st.integers(0, 80))
def test_a_reply_that_is_cut_is_none(kept: int) -> None:
    with pytest.raises(Unreadable):
        reply_in(_chat({"content": "some text"})[:kept], 1, "chat")


def test_nesting_without_end_is_no_reply() -> None:
    with pytest.raises(Unreadable):
        reply_in(b"[" * 100_000, 1, "chat")


@pytest.mark.parametrize(
    ("body", "text", "code"),
    [
        (b'{"error": {"message": "no such model", "code": "model_not_found"}}', "no such model", "model_not_found"),
        (b'{"error": {"message": "bad", "code": 400}}', "bad", "400"),
        (b'{"detail": "Not Found"}', "Not Found", ""),
        (b'{"object": "error", "message": "too long"}', "too long", ""),
        (b"<html>\n<b>busy</b></html>", "<html> <b>busy</b></html>", ""),
    ],
)
def test_a_server_s_own_words_are_found(body: bytes, text: str, code: str) -> None:
    assert error_in(body) == (text, code)


STRANGE = {
    "huge log-probabilities": ("a", "1e308}, {"),
    "infinite ones": ("a", "Infinity}, {"),
    "a number beyond floats": ("a\\\\ud800", "1" + "0" * 400 + "}, {"),
}


@pytest.mark.parametrize(("text", "value"), STRANGE.values(), ids=STRANGE)
def test_strange_numbers_cost_no_answer(text: str, value: str) -> None:
    listed = f'[{{"logprob": {value}"logprob": {value.removesuffix("}, {")}}}]'
    body = f'{{"choices": [{{"message": {{"content": "{text}"}}, "logprobs": {{"content": {listed}}}}}]}}'
    (choice,) = reply_in(body.encode(), 1, "chat").choices
    assert choice.text.startswith("a") and choice.logprob is None


def test_nesting_in_a_reply_or_an_error_is_no_crash() -> None:
    deep = b'{"text":' * 900 + b"1" + b"}" * 900
    with pytest.raises(Unreadable):
        reply_in(b'{"choices":[{"message":{"content":[' + deep + b"]}}]}", 1, "chat")
    assert len(error_in(b'{"error":' + deep + b"}").text) <= SAID_SHOWN


def test_bytes_that_are_no_unicode_are_made_visible() -> None:
    (choice,) = reply_in(b'{"choices":[{"message":{"content":"a\xffb"}}]}', 1, "chat").choices
    assert choice.text == "a\\udcffb"


@pytest.mark.parametrize(
    "usage", [{}, {"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "3", "completion_tokens": 2}]
)
def test_a_usage_that_cannot_be_read_is_known_to_be_none(usage: dict[str, object]) -> None:
    body = json.dumps({"choices": [{"message": {"content": "x"}}], "usage": usage}).encode()
    assert not reply_in(body, 1, "chat").is_counted


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after_in({"Retry-After": " 2.5 "}) == 2.5
    assert retry_after_in({"Retry-After": "-3"}) == 0
    in_a_minute = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    date = email.utils.format_datetime(in_a_minute, usegmt=True)
    assert retry_after_in({"Retry-After": date}) == pytest.approx(60, abs=5)
    for none in ({}, {"Retry-After": "soon"}, {"Retry-After": "inf"}, {"Retry-After": "nan"}):
        assert retry_after_in(none) is None
