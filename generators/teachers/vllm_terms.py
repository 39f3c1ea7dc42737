"""Requests and replies in vLLM's own terms, and its words about what goes wrong."""

import atexit
import contextlib
import difflib
import json
import os
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from generators.teachers.client import Choice, Refused, Reply, Sampling
from schemas.errors import UserError
from schemas.recipe import Table

_TOO_LONG = re.compile(r"maximum context length|longer than the maximum model length")
_SAME_NAME = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty", "stop")


def set_in(sampling: Sampling) -> Table:
    """Return the sampling parameters that are set, by vLLM's names."""
    given: Table = {name: value for name in _SAME_NAME if (value := getattr(sampling, name)) is not None}
    if "stop" in given:
        given["stop"] = list(given["stop"])
    if sampling.bound is not None:
        given["max_tokens"] = sampling.bound
    if sampling.logprobs:
        given["logprobs"] = 0  # of the sampled token and no other
    return given


def reply_of(output: Any) -> Reply:
    """Return the reply in vLLM's final output of one request."""
    prompt_tokens = len(output.prompt_token_ids)
    choices = tuple(
        Choice(
            text=one.text,
            finish_reason=one.finish_reason,
            tokens=len(one.token_ids),
            logprob=one.cumulative_logprob,
            prompt_tokens=prompt_tokens,
        )
        for one in output.outputs
    )
    return Reply(choices, prompt_tokens, sum(one.tokens or 0 for one in choices))


def refusal_of(error: Exception) -> Refused:
    """Return what vLLM's refusal of one request means."""
    said = " ".join(str(error).split())
    return Refused("prompt_too_long" if _TOO_LONG.search(said) else "request_refused", f"vLLM: {said}")


def line_of(what: str, error: BaseException, log: str) -> str:
    """Return one line about a failure, with the log that says more."""
    said = " ".join(str(error).split())[:300]
    return f"{what}: {type(error).__name__}: {said}; its log is {log}"


def refuse_unknown(arguments: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise UserError where vLLM has no such engine argument."""
    for name in arguments:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else "vLLM documents them as its engine arguments"
            raise UserError(f"engine has {name!r}, which vLLM does not know; {hint}")


@contextlib.contextmanager
def logging_to(path: str) -> Iterator[None]:
    """Have vLLM, when it is imported for the first time, log to a file and not to our output."""
    if "VLLM_LOGGING_CONFIG_PATH" in os.environ or os.environ.get("VLLM_CONFIGURE_LOGGING") == "0":
        yield  # someone has decided
        return
    handler = {"class": "logging.FileHandler", "filename": path, "formatter": "line", "delay": True}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"file": handler},
        "loggers": {"vllm": {"handlers": ["file"], "level": "INFO", "propagate": False}},
    }
    descriptor, name = tempfile.mkstemp(prefix="starbeam-vllm-", suffix=".json")
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file)
    atexit.register(os.unlink, name)
    os.environ["VLLM_LOGGING_CONFIG_PATH"] = name  # stays: the engine's own processes read it too
    yield
