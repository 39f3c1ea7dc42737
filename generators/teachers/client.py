"""What a model behind a teacher is: a client that sends one request and brings one reply, or says why there is none.

Journal, budget and flow stand around it (`paid.py`), so a client neither tries again nor waits.
"""

from typing import Literal, NamedTuple, Protocol

from pydantic import Field, model_validator

from generators.teachers.table import TeacherTable
from schemas.recipe import Section, Table
from schemas.sample import Message

MAX_BOUND = 2**31 - 1  # what servers keep a number of tokens in
Api = Literal["chat", "completions"]


class Sampling(Section):
    """`sampling = { … }` of a teacher: what is sent is what is set, the rest is the server's own default."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=-1, description="not of OpenAI's own servers")
    min_p: float | None = Field(None, ge=0, le=1, description="not of OpenAI's own servers")
    max_tokens: int | None = Field(None, ge=1, le=MAX_BOUND, description="tokens of one completion, at most")
    max_completion_tokens: int | None = Field(None, ge=1, le=MAX_BOUND, description="the same, for servers that refuse max_tokens")
    stop: tuple[str, ...] | None = Field(None, description="texts that end a completion")
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = Field(None, gt=0, description="not of OpenAI's own servers")
    logprobs: bool = Field(False, description="fill the column logprob with the completion's log-probability")

    @model_validator(mode="after")
    def _has_one_bound(self) -> "Sampling":
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise ValueError("max_tokens and max_completion_tokens are two names of one bound: set one of them")
        return self

    @property
    def bound(self) -> int | None:
        """Return the tokens that one completion has at most, None where nothing bounds it."""
        return self.max_completion_tokens or self.max_tokens

    def sent(self) -> Table:
        """Return the parameters that are set."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


class Request(NamedTuple):
    """One request for n completions of one prompt."""

    messages: tuple[Message, ...]
    sampling: Sampling
    n: int
    seed: int | None  # 0 to 2**31 - 1; None where the teacher is not told one


class Choice(NamedTuple):
    """One completion as the model gave it; the journal keeps it so.  A thought may still stand inline in the text."""

    text: str
    reasoning: str | None = None  # where the server kept it apart
    finish_reason: str | None = None  # stop | length | …
    tokens: int | None = None  # of the completion; None where it is not known for one choice
    logprob: float | None = None  # natural logarithm of the completion's probability
    prompt_tokens: int | None = None  # of the request that brought it


class Reply(NamedTuple):
    """What one request brought: up to n choices, and what it cost."""

    choices: tuple[Choice, ...]
    prompt_tokens: int = 0  # counted once a request
    completion_tokens: int = 0  # of all choices together
    is_counted: bool = True  # False where the server told no usage


class Transient(Exception):
    """A call that failed and may succeed when tried again."""

    def __init__(
        self,
        said: str,
        *,
        slow_down: bool = False,
        retry_after: float | None = None,
        unreachable: bool = False,
        billed: Reply | None = None,
        answered: bool = False,
    ) -> None:
        super().__init__(said)
        self.slow_down = slow_down  # 429, 503, timeouts: fewer calls at once
        self.retry_after = retry_after  # seconds that the server asks to wait
        self.unreachable = unreachable  # no connection came about
        self.billed = billed  # a reply of no use that was counted all the same
        self.answered = answered  # the server is there and says no to this request: it may be the request's own fault


class Refused(Exception):
    """A request that no retry will mend: this prompt goes to rejects, the run goes on."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(said)
        self.reason = reason  # prompt_too_long | request_refused


class Client(Protocol):
    """Asks one model.  Many requests at once, all from one event loop."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply.  Raises Transient, Refused, or UserError where no request of this teacher can ever succeed."""
        ...

    async def close(self) -> None:
        """Let go of connections, engines and processes."""
        ...


class Price(Section):
    """`price = { input = …, output = … }`: money per million tokens."""

    input: float = Field(0.0, ge=0)
    output: float = Field(0.0, ge=0)

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1e6


class PaidTable(TeacherTable):
    """The keys that every teacher with a client has."""

    model: str = Field(min_length=1, description="the model's name, as the server knows it")
    revision: str | None = Field(None, description="of the model; a change asks anew, as a change of the model does")
    api: Api = Field("chat", description="chat: the server applies its chat template; completions: plain text goes on")
    template: str = Field("{prompt}", description="for completions: the text that is sent, {prompt} being the problem's")
    sampling: Sampling = Sampling()
    seeded: bool = Field(
        True, description="send a seed with each request, drawn from the recipe's; false where a server refuses it"
    )
    max_choices: int = Field(128, ge=1, description="completions that one request may ask for; OpenAI's own limit is 128")
    price: Price | None = Field(None, description="{ input = …, output = … } in money per million tokens")
    max_in_flight: int = Field(256, ge=1, le=100_000, description="calls at once, at most")
    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0, description="of prompts and completions together")
    attempts: int = Field(8, ge=1, description="tries of one call while others succeed")
    patience: float = Field(300.0, ge=0, description="seconds in which every call fails, after which the teacher counts as gone")

    @model_validator(mode="after")
    def _holds_the_prompt(self) -> "PaidTable":
        if self.template.count("{prompt}") != 1:
            raise ValueError("template must hold {prompt} once")
        return self

    @property
    def is_free(self) -> bool:
        """False: every call costs money or machine time."""
        return False

    def identity(self) -> Table:
        """Return all that decides what the model answers to given messages: the recipe's part of the journal's keys."""
        decides = {"kind", "model", "revision", "api", "sampling", "seeded"} | (
            {"template"} if self.api == "completions" else set()
        )
        return self.model_dump(mode="json", exclude_none=True, include=decides)

    def text_of(self, messages: tuple[Message, ...]) -> str:
        """Return the text that a completions request sends for messages."""
        return self.template.replace("{prompt}", "\n\n".join(message.content for message in messages))

    def check_key(self, name: str) -> None:
        """Raise UserError where it needs a key that the environment does not hold."""

    async def connect(self, name: str, folder: str, shared: bool) -> Client:
        """Return the client of this teacher.

        `folder` takes its logs; `shared` where other processes of the machine ask the same teacher.
        """
        raise NotImplementedError
