"""A sample: one chain of thought with its response, and where it came from."""

import dataclasses
from typing import Any, Literal, NamedTuple, Self

import pyarrow as pa

from schemas.annotation import JUDGEMENT_TYPE, TAGGED_TYPE, Judgement, Tagged
from schemas.identity import content_id

Origin = Literal["sampled", "rationalized", "revised", "searched", "solved", "recorded"]


class Message(NamedTuple):
    """One turn of a prompt."""

    role: str  # system | user | assistant
    content: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample of one problem."""

    sample_id: str
    problem_id: str
    index: int  # its place among the problem's samples, from 0
    origin: Origin
    teacher: str  # the teacher's name in the recipe
    prompt: tuple[Message, ...]  # as stored for training: without any hint
    prompt_id: str | None = None  # the words around the question: their name and version, and a hash of them
    choice_order: tuple[int, ...] = ()  # option i of the prompt is choices[choice_order[i]]; empty: in their own order
    hint: str | None = None  # what the teacher was told beyond the prompt
    reasoning: str = ""  # the thought, without its marks
    response: str = ""  # what follows the thought
    finish_reason: str | None = None  # stop | length | …, in the teacher's own words
    prompt_tokens: int | None = None  # tokens of the teacher's own tokenizer
    completion_tokens: int | None = None
    logprob: float | None = None  # natural logarithm of the whole completion's probability
    parent_id: str | None = None  # the sample that this one revises or continues
    round: int = 0  # round of the outer loop, from 0
    score: float | None = None  # by which the strategy chose among samples; higher is better
    chosen: bool | None = None  # whether the strategy chose it; None where it is not one that chooses
    judgement: Judgement | None = None  # of the answer, where a checker was unsure of it and a judge was asked
    tagged: Tagged | None = None  # its chain, where a tagger was asked and has answered

    @classmethod
    def of(cls, *, problem_id: str, index: int, teacher: str, origin: Origin, round: int = 0, **rest: Any) -> Self:
        """Return the sample with its id filled in: a hash of problem, teacher, origin, place, round, texts and choice order."""
        texts = (str(rest.get("reasoning", "")), str(rest.get("response", "")))
        order = [str(place) for place in rest.get("choice_order", ())]
        sample_id = content_id("sample", problem_id, teacher, origin, str(index), str(round), *texts, *order)
        return cls(
            sample_id=sample_id,
            problem_id=problem_id,
            index=index,
            teacher=teacher,
            origin=origin,
            round=round,
            **rest,
        )


# The marks that published models put around their thought, opening and closing.
THOUGHT_MARKS = (
    ("<think>", "</think>"),  # DeepSeek-R1, Qwen3, QwQ
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThoughts
)

MESSAGES_TYPE = pa.list_(pa.field("element", pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())])))

SAMPLE_SCHEMA = pa.schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("problem_id", pa.string()),
        pa.field("index", pa.int64()),
        pa.field("origin", pa.string()),
        pa.field("teacher", pa.string()),
        pa.field("prompt", MESSAGES_TYPE),
        pa.field("prompt_id", pa.string()),
        pa.field("choice_order", pa.list_(pa.field("element", pa.int64()))),
        pa.field("hint", pa.string()),
        pa.field("reasoning", pa.string()),
        pa.field("response", pa.string()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int64()),
        pa.field("completion_tokens", pa.int64()),
        pa.field("logprob", pa.float64()),
        pa.field("parent_id", pa.string()),
        pa.field("round", pa.int64()),
        pa.field("score", pa.float64()),
        pa.field("chosen", pa.bool_()),
        pa.field("judgement", JUDGEMENT_TYPE),
        pa.field("tagged", TAGGED_TYPE),
    ]
)


def chain_text(reasoning: str, response: str) -> str:
    """Return the whole chain, as tagged and compared: the thought, a blank line, the response; or the one that is there."""
    return f"{reasoning}\n\n{response}" if reasoning and response else reasoning or response
