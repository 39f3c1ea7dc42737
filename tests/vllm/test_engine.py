"""vLLM inside this process answers as asked, shares one engine, and fails one prompt or the run, as the failure is."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from generators.teachers.client import Client, Refused, Reply, Request, Sampling, Transient
from generators.teachers.vllm import VllmTable
from schemas.errors import RunError, UserError
from schemas.sample import Message
from tests.vllm.conftest import ENGINE
from tests.vllm.tiny_model import LENGTH, save_model

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(240)]
T = TypeVar("T")
ENGINE_THREAD = "vllm-engine"
OTHER = {**ENGINE, "max_num_seqs": 16}  # an engine of its own
WARM = Sampling(temperature=1.0, max_tokens=24)


def table_of(model: Path, **changes: Any) -> VllmTable:
    """Return the table of a teacher."""
    return VllmTable.model_validate({"kind": "vllm", "model": str(model), "engine": ENGINE, **changes})


def request_of(text: str, sampling: Sampling = WARM, n: int = 1, seed: int | None = 7) -> Request:
    """Return a request with one message."""
    return Request((Message("user", text),), sampling, n, seed)


def with_client(table: VllmTable, folder: Path, work: Callable[[Client], Awaitable[T]]) -> T:
    """Return what some work with a client brings; the client is closed after it."""

    async def run() -> T:
        client = await table.connect("main", str(folder), False)
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.fixture(scope="module", autouse=True)
def _kept(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hold the engine that most tests ask, so that it starts once."""
    runner = asyncio.Runner()
    client = runner.run(table_of(model).connect("main", str(tmp_path_factory.mktemp("logs")), False))
    yield
    assert runner.run(client.ask(request_of("a"))).choices  # engines that ended or died beside it took nothing from it
    runner.run(client.close())
    runner.close()
    assert ENGINE_THREAD not in {thread.name for thread in threading.enumerate()}


def asked(model: Path, folder: Path, *requests: Request, **changes: Any) -> list[Reply]:
    """Return the replies to requests made at once."""

    async def work(client: Client) -> list[Reply]:
        return await asyncio.gather(*map(client.ask, requests))

    return with_client(table_of(model, **changes), folder, work)


def test_samples_are_distinct_counted_and_repeat_with_their_seed(model: Path, tmp_path: Path) -> None:
    first, again, other = asked(model, tmp_path, request_of("a", n=6), request_of("a", n=6), request_of("a", n=6, seed=8))
    texts = [choice.text for choice in first.choices]
    assert len(set(texts)) == 6
    assert [choice.text for choice in again.choices] == texts
    assert [choice.text for choice in other.choices] != texts
    assert all(choice.tokens is not None and 1 <= choice.tokens <= 24 for choice in first.choices)
    assert first.completion_tokens == sum(choice.tokens or 0 for choice in first.choices)
    assert {choice.prompt_tokens for choice in first.choices} == {first.prompt_tokens}
    assert {choice.logprob for choice in first.choices} == {None}


def test_a_stop_text_ends_a_completion_before_it(model: Path, tmp_path: Path) -> None:
    cold = Sampling(temperature=0.0, max_tokens=24)
    ((whole,),) = [reply.choices for reply in asked(model, tmp_path, request_of("a", cold))]
    stop = whole.text[4:6]
    (reply,) = asked(model, tmp_path, request_of("a", Sampling(temperature=0.0, max_tokens=24, stop=(stop,))))
    assert len(stop) == 2
    assert reply.choices[0].text == whole.text[: whole.text.index(stop)]
    assert (whole.finish_reason, reply.choices[0].finish_reason) == ("length", "stop")


def test_log_probabilities_are_the_completions_own(model: Path, tmp_path: Path) -> None:
    sampling = Sampling(temperature=1.0, max_tokens=24, logprobs=True)
    one, many = asked(model, tmp_path, request_of("a", sampling), request_of("a", sampling, n=4))
    values = [choice.logprob for choice in (*one.choices, *many.choices)]
    # Random weights over 512 tokens: near log(1/512) = -6.2 a token.
    assert all(
        value is not None and -10 < value / (choice.tokens or 0) < -3
        for value, choice in zip(values, (*one.choices, *many.choices), strict=True)
    )
    assert len(set(values)) > 1


def test_chat_uses_the_template_and_completions_the_text_alone(model: Path, tmp_path: Path) -> None:
    (chat,) = asked(model, tmp_path, request_of("plus"))
    (text,) = asked(model, tmp_path, request_of("plus"), api="completions")
    (wrapped,) = asked(model, tmp_path, request_of("plus"), api="completions", template="<s><|user|>{prompt}<|assistant|>")
    assert chat.prompt_tokens == wrapped.prompt_tokens == text.prompt_tokens + 3
    assert chat.choices[0].text == wrapped.choices[0].text


def test_a_model_without_a_chat_template_is_one_line(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    save_model(plain, template=None)
    with pytest.raises(UserError, match=r'\[teacher.main\] api = "chat".*say api = "completions"'):
        asked(plain, tmp_path, request_of("a"))
    assert asked(plain, tmp_path, request_of("a"), api="completions")[0].choices


def test_a_prompt_beyond_the_context_is_refused_and_others_are_answered(model: Path, tmp_path: Path) -> None:
    async def work(client: Client) -> list[Any]:
        prompts = ("a", "\u20ac " * LENGTH, "b", "x" * (LENGTH - 3))
        return await asyncio.gather(*(client.ask(request_of(one)) for one in prompts), return_exceptions=True)

    short, long, other, _ = with_client(table_of(model), tmp_path, work)
    assert isinstance(long, Refused) and long.reason == "prompt_too_long"
    assert isinstance(short, Reply) and isinstance(other, Reply)


def test_what_vllm_refuses_for_other_reasons_says_so(model: Path, tmp_path: Path) -> None:
    async def work(client: Client) -> Reply:
        return await client.ask(request_of("a", Sampling(temperature=0.0, max_tokens=4), n=2))

    with pytest.raises(Refused, match="greedy") as caught:
        with_client(table_of(model), tmp_path, work)
    assert caught.value.reason == "request_refused"


def test_an_unknown_engine_argument_is_named_with_the_nearest(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'max_model_len'"):
        asked(model, tmp_path, request_of("a"), engine={"max_modl_len": 64})


def test_a_model_that_is_not_there_is_one_line_with_the_log(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"vLLM did not start: .*vllm-main\.log") as caught:
        asked(tmp_path / "none", tmp_path, request_of("a"))
    assert "\n" not in str(caught.value)


def test_threads_share_an_engine_and_the_last_closes_it(model: Path, tmp_path: Path) -> None:
    table = table_of(model, engine=OTHER)
    before = [thread.name for thread in threading.enumerate()].count(ENGINE_THREAD)
    together, replies = threading.Barrier(3), []

    def use() -> None:
        async def work(client: Client) -> None:
            engines.add(client._engine)
            together.wait(300)  # all three hold it
            replies.append(await client.ask(request_of("a")))

        with_client(table, tmp_path, work)

    engines: set[Any] = set()
    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(replies) == 3 and len({reply.choices for reply in replies}) == 1
    assert len(engines) == 1
    assert [thread.name for thread in threading.enumerate()].count(ENGINE_THREAD) == before


def test_cancelled_and_late_calls_leave_the_engine_free(model: Path, tmp_path: Path) -> None:
    endless = Sampling(temperature=1.0, max_tokens=400)

    async def work(client: Client) -> Any:
        calls = [asyncio.ensure_future(client.ask(request_of(f"{number}", endless, n=3))) for number in range(60)]
        await asyncio.sleep(0.5)  # some are inside vLLM, some wait
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert any(isinstance(one, asyncio.CancelledError) for one in ended)
        await client.ask(request_of("a"))
        return client._engine

    engine = with_client(table_of(model), tmp_path, work)
    assert engine._inside == 0 and not engine._running and not engine._waiting

    async def late(client: Client) -> Reply:
        return await client.ask(request_of("a", endless, n=8))

    with pytest.raises(Transient, match="within"):
        with_client(table_of(model, timeout=0.01), tmp_path, late)


def test_a_dead_engine_ends_all_calls_with_one_line(model: Path, tmp_path: Path) -> None:
    async def work(client: Client) -> list[Any]:
        engine = client._engine
        await client.ask(request_of("a"))

        def break_down() -> Any:
            raise MemoryError("out of memory on the device")

        engine._engine.step = break_down
        calls = await asyncio.gather(*(client.ask(request_of(f"{number}")) for number in range(80)), return_exceptions=True)
        later = await asyncio.gather(client.ask(request_of("later")), return_exceptions=True)
        return [*calls, *later]

    ended = with_client(table_of(model, engine=OTHER), tmp_path, work)
    assert {type(one) for one in ended} == {RunError}
    assert all("the vLLM engine died: MemoryError: out of memory on the device" in str(one) for one in ended)


def test_vllm_logs_to_the_file_and_prints_nothing(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    asked(model, tmp_path, request_of("a"))
    assert capfd.readouterr().out == ""
