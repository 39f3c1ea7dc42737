"""The teacher that a strategy sees where answers are paid for: journal → budget → flow → client."""

import asyncio
import hashlib
from collections.abc import Sequence

import orjson

from generators.journal import Entry, Journal
from generators.teachers.client import Choice, PaidTable, Refused, Reply, Request, Sampling, Transient
from generators.teachers.flow import Flow
from generators.teachers.ledger import Ledger
from generators.teachers.teacher import Completion, Prompt
from generators.teachers.thoughts import Parts, split_thought
from generators.teachers.together import together
from schemas.problem import MAX_TEXT_BYTES
from schemas.recipe import Table
from schemas.reject import Reject, shown

KEY_VERSION = "journal_v1"  # a change of what a key is made of pays for everything again
KEY_BYTES = 16
SEED_STEP = 0x9E3779B1  # a prime near 2**32 divided by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4): far apart
SHORT_REPLIES = 3  # in a row: then a server gives no more at a time; one alone may be a slip
MORE_PROMPT_TOKENS = 64  # for a chat template's own words; a guess on the safe side, not a bound


class PaidTeacher:
    """One paid teacher over one partition."""

    def __init__(
        self, name: str, seed: int, table: PaidTable, identity: Table, flow: Flow, journal: Journal, ledger: Ledger
    ) -> None:
        self.name = name
        self.rejects: list[Reject] = []
        self.failed = 0  # samples that another run may bring
        self._table = table
        self._flow = flow
        self._journal = journal
        self._ledger = ledger
        self._most = table.max_choices  # choices of one request, as far as the server has shown
        self._short = 0  # replies in a row that had fewer choices than were asked for
        self._prefix = hashlib.blake2b(
            orjson.dumps([KEY_VERSION, name, seed, identity], option=orjson.OPT_SORT_KEYS), digest_size=KEY_BYTES
        )
        self._stopped: dict[tuple[str, ...], Sampling] = {}
        self._asking: dict[str, list[asyncio.Future[None]]] = {}  # who waits for a prompt that is being asked

    def key(self, prompt: Prompt) -> str:
        """Return the journal's key of a prompt: a hash of all that decides the answer but the sample's number."""
        digest = self._prefix.copy()
        digest.update("".join([f"{len(role)}:{role}{len(content)}:{content}" for role, content in prompt.sent]).encode())
        sampling = self._sampling(prompt)
        if sampling is not self._table.sampling:
            digest.update(orjson.dumps(sampling.sent(), option=orjson.OPT_SORT_KEYS))
        return digest.hexdigest()

    def _sampling(self, prompt: Prompt) -> Sampling:
        """Return the parameters for a prompt: its own or the teacher's, with the prompt's stops where these have none."""
        sampling = prompt.sampling or self._table.sampling
        if not prompt.stop or sampling.stop is not None:
            return sampling
        if prompt.sampling is not None:
            return sampling.model_copy(update={"stop": prompt.stop})
        if prompt.stop not in self._stopped:  # one object for all prompts of a kind, which a client keeps ready
            self._stopped[prompt.stop] = sampling.model_copy(update={"stop": prompt.stop})
        return self._stopped[prompt.stop]

    async def sample(self, prompt: Prompt, n: int, first: int = 0) -> list[Completion]:
        """Return the completions numbered from `first`; those that failed for good are missing and among `rejects`."""
        key = self.key(prompt)
        while key in self._asking:  # the same prompt is being asked: what it brings is in the journal then
            answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._asking[key].append(answered)
            await answered
        have = self._journal.choices(key)
        missing = [number for number in range(first, first + n) if number not in have]
        if missing:
            self._asking[key] = []
            try:
                await self._fill(prompt, key, missing, have)
            finally:
                for answered in self._asking.pop(key):
                    answered.set_result(None)
        return [one for number in range(first, first + n) if number in have and (one := self._completion(prompt, have[number]))]

    async def _fill(self, prompt: Prompt, key: str, missing: Sequence[int], have: dict[int, Choice]) -> None:
        """Ask for the missing samples, as many a request as the server gives, until they are there or have failed for good."""
        if len(missing) <= self._most:
            await self._call(prompt, key, missing, have)
        else:
            parts = [missing[at : at + self._most] for at in range(0, len(missing), self._most)]
            await together(*(self._call(prompt, key, part, have) for part in parts))

    async def _call(self, prompt: Prompt, key: str, numbers: Sequence[int], have: dict[int, Choice]) -> None:
        request = Request(prompt.sent, self._sampling(prompt), len(numbers), _seed(key, numbers[0]) if self._table.seeded else None)
        held = await self._ledger.hold(self.name, *_bounds(request)) if self._ledger.has_budget else 0.0
        try:
            reply, seconds = await self._flow.ask(request, lambda reply: self._note_useless(prompt, key, reply))
        except Transient as failure:
            self.failed += len(numbers)
            self._reject(prompt, "teacher_failed", f"given up after {self._table.attempts} tries: {failure}", len(numbers))
            return
        except Refused as refusal:
            self._reject(prompt, refusal.reason, str(refusal), len(numbers))
            return
        finally:
            self._ledger.settle(held)
        given = numbers[: len(reply.choices)]
        reply = _charged(reply, request)
        self._ledger.pay(self.name, prompt.role, reply)
        await self._journal.appended(Entry(key, self.name, prompt.role, tuple(given), reply, round(seconds, 3)))
        have.update(zip(given, reply.choices, strict=False))
        self._short = 0 if len(given) == len(numbers) else self._short + 1
        if len(given) < len(numbers):
            if self._short >= SHORT_REPLIES:
                self._most = min(self._most, len(given))
            await self._fill(prompt, key, numbers[len(given) :], have)

    def _note_useless(self, prompt: Prompt, key: str, reply: Reply) -> None:
        """Write down what a reply of no use has cost."""
        self._ledger.pay(self.name, prompt.role, reply)
        self._journal.append(Entry(key, self.name, prompt.role, (), reply._replace(choices=()), 0.0))

    def _completion(self, prompt: Prompt, choice: Choice) -> Completion | None:
        parts = split_thought(choice.text) if choice.reasoning is None else Parts(choice.reasoning.strip(), choice.text.strip())
        if any(len(text) > MAX_TEXT_BYTES // 4 and len(text.encode()) > MAX_TEXT_BYTES for text in parts):
            self._reject(prompt, "text_too_long", f"a completion of over {MAX_TEXT_BYTES} bytes", 1)
            return None
        return Completion(
            teacher=self.name,
            origin="sampled",
            reasoning=parts.reasoning,
            response=parts.response,
            finish_reason=choice.finish_reason,
            prompt_tokens=choice.prompt_tokens,
            completion_tokens=choice.tokens,
            logprob=choice.logprob,
        )

    def _reject(self, prompt: Prompt, reason: str, why: str, samples: int) -> None:
        problem = prompt.problem
        asked = f"{samples} of the samples of problem {problem.problem_id}" if prompt.role == "sample" else f"as {prompt.role}"
        self.rejects.append(
            Reject(
                stage="sample",
                reason=reason,
                detail=f"teacher {self.name!r}, {asked}: {why}",
                raw=shown(problem.question),
                source=self.name,
            )
        )


def _seed(key: str, number: int) -> int:
    """Return the request's seed, of 31 bits: the prompt's key and the first sample's number decide it."""
    return (int(key[:8], 16) + number * SEED_STEP) & 0x7FFFFFFF


def _charged(reply: Reply, request: Request) -> Reply:
    """Return a reply with its usage; where the server told none, what it may have used at most, as far as that is bounded."""
    if reply.is_counted:
        return reply
    prompt, completion = _bounds(request)
    written = sum(_tokens_at_most(choice) for choice in reply.choices)
    return reply._replace(prompt_tokens=int(prompt), completion_tokens=int(completion) or written)


def _tokens_at_most(choice: Choice) -> int:
    return choice.tokens if choice.tokens is not None else len((choice.text + (choice.reasoning or "")).encode())


def _bounds(request: Request) -> tuple[float, float]:
    """Return the prompt's and the completions' tokens at most: a token is a byte at least."""
    sent = sum(len(message.content.encode()) for message in request.messages)
    return sent + MORE_PROMPT_TOKENS, request.n * (request.sampling.bound or 0)
