"""A reward model behind an HTTP endpoint: it reads a conversation and says one number, or one a step.

vLLM serves them at /pooling and /classify, others in their own ways; `path`, `score` and `reduce` say where the number is.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

import orjson
from pydantic import Field, field_validator

from generators.teachers.client import Choice, PaidTable, Reply, Request
from generators.teachers.openai import HttpTable, OpenAIClient
from generators.teachers.replies import MAX_COUNT, Unreadable
from schemas.errors import UserError
from schemas.recipe import Table

MAX_NUMBERS = 100_000  # of one reply: more than the tokens of any context would be no reward

_REDUCED: dict[str, Callable[[list[float]], float]] = {
    "last": lambda numbers: numbers[-1],
    "min": min,
    "mean": lambda numbers: sum(numbers) / len(numbers),  # of numbers near the largest: inf, where fsum would raise
    "product": math.prod,
}


class Elsewhere(Unreadable):
    """A reply in JSON that has no number where `score` says."""


class RewardTable(HttpTable):
    """`[teacher.NAME]` with kind = "reward": a reward model, which scores samples and gives none."""

    kind: Literal["reward"]
    path: str = Field(
        "/pooling", pattern=r"^/[\w/.-]*$", description="of the endpoint, behind base_url, which for vLLM's ends without /v1"
    )
    score: str = Field("data.0.data", description="where the reply has the number, or a list of numbers: a dotted path")
    reduce: Literal["last", "min", "mean", "product"] = Field(
        "last", description="one number of a list, such as one a step: the last (arXiv 2408.03314), the least (arXiv 2312.08935)"
    )
    sigmoid: bool = Field(False, description="the model says a logit: make it a probability")
    seeded: bool = False

    @field_validator("seeded")
    @classmethod
    def _is_not_drawn(cls, seeded: bool) -> bool:
        if seeded:
            raise ValueError("seeded = true is for models that sample: a reward model says one number")
        return seeded

    def identity(self) -> Table:
        """Return what decides the number."""
        return {**super().identity(), "path": self.path, "score": self.score, "reduce": self.reduce, "sigmoid": self.sigmoid}

    @property
    def client(self) -> type[OpenAIClient]:
        """Return what asks the endpoint."""
        return RewardClient

    def number_in(self, body: bytes) -> float:
        """Return the score in a reply.  Raises Unreadable where it holds none."""
        try:
            found: Any = orjson.loads(body)
        except ValueError:
            raise Unreadable("no JSON") from None
        for name in self.score.split("."):
            if isinstance(found, dict) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise Elsewhere(f"nothing at score = {self.score!r}")
        numbers = _flat(found)
        value = _REDUCED[self.reduce](numbers) if numbers else math.nan
        if not math.isfinite(value):
            raise Elsewhere(f"no finite number at score = {self.score!r}")
        return _sigmoid(value) if self.sigmoid else value


def _flat(found: Any) -> list[float]:
    """Return the numbers of a number or of nested lists, in order; none where anything else is among them."""
    numbers: list[float] = []
    waiting = [found]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list) and len(one) + len(waiting) + len(numbers) <= MAX_NUMBERS:
            waiting += reversed(one)
        elif isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one):
            numbers.append(float(one))
        else:
            return []
    return numbers


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


class RewardClient(OpenAIClient):
    """Asks the endpoint; the number comes back as the text of the one choice, so that the journal keeps it."""

    def _path(self, table: PaidTable) -> str:
        assert isinstance(table, RewardTable)
        return table.path

    def _body(self, request: Request) -> bytes:
        messages = [{"role": role, "content": content} for role, content in request.messages]
        return orjson.dumps({"model": self._table.model, "messages": messages, **self._extra_body})

    def _reply(self, body: bytes, request: Request) -> Reply:
        assert isinstance(self._table, RewardTable)
        try:
            score = self._table.number_in(body)
        except Elsewhere as error:
            if self._answered:  # this reply is odd, the path is not
                raise
            raise UserError(
                f"[teacher.{self._name}] {error}, in the first reply of {self._url}; set score to the path of the number"
            ) from None
        replied = orjson.loads(body)
        usage = replied.get("usage") if isinstance(replied, dict) else None
        told = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        prompt_tokens = told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told <= MAX_COUNT else None
        choice = Choice(repr(score), reasoning="", finish_reason="stop", tokens=0)
        return Reply((choice,), prompt_tokens or 0, 0, is_counted=prompt_tokens is not None)
