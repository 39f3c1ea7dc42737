"""A problem as a teacher is asked it: plain, with its answer as a hint, with its options in another order."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from generators.prompts.files import Chat, Completion, Exemplar, Form, parts_of
from generators.teachers.teacher import Prompt
from schemas.identity import rng_for
from schemas.problem import CHOICE_LABELS, Problem
from schemas.sample import Message

ID_DIGITS = 12  # of the hash in a prompt's id: 48 bits, so that words of one name meet by chance once in millions of versions
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile("[\u3040-\u30ff]")  # then it is Japanese


class Asking(NamedTuple):
    """One version of the words, ready to be put around a question."""

    prompt_id: str  # name/language/form/version/exemplars@hash of all of these words
    parts: tuple[str, ...]  # words and placeholders in turn
    before: tuple[Message, ...] = ()  # the system's text and the exemplars as turns
    lead: str = ""  # the exemplars as text
    mark: str = ""  # behind the right option

    def messages(self, question: str, options: Sequence[str], hint: str = "") -> tuple[Message, ...]:
        """Return what is asked of a question."""
        return (*self.before, Message("user", self.lead + _filled(self.parts, question, options, hint, self.mark)))

    @property
    def overhead(self) -> int:
        """Return the bytes of UTF-8 that it puts around question and options."""
        return sum(len(text.encode()) for text in (self.lead, *self.parts[::2], *(one.content for one in self.before)))


class Wording(NamedTuple):
    """The words of one language."""

    stored: Asking  # without exemplars and hint
    plain: Asking
    hinted: Asking | None
    marked: Asking | None
    stop: tuple[str, ...] = ()


class Words(NamedTuple):
    """The words of one file in one form."""

    name: str
    sha256: str  # of the file; empty for the plain words, which are in none
    wordings: Mapping[str, Wording]  # by language

    def wording(self, problem: Problem) -> Wording:
        """Return the words in a problem's language, where there are several."""
        if len(self.wordings) == 1:
            return next(iter(self.wordings.values()))
        return self.wordings[language_of(problem)]


def language_of(problem: Problem) -> str:
    """Return "zh" for a Chinese problem, by what it says of itself or else by its characters, "en" for any other."""
    if problem.language:
        return "zh" if re.split("[-_]", problem.language.lower())[0] == "zh" else "en"
    return "zh" if _HAN.search(problem.question) and not _KANA.search(problem.question) else "en"


def compiled(name: str, language: str, form: Form, exemplars: Sequence[Exemplar] = ()) -> Wording:
    """Return the words of a form with its exemplars in place."""

    def asking(version: str, template: str, shots: Sequence[Exemplar]) -> Asking:
        mark = form.mark if version == "marked" else ""
        parts = tuple(parts_of(template))
        before: list[Message] = []
        lead = ""
        if isinstance(form, Chat) and form.system:
            before.append(Message("system", form.system))
        for shot in shots:
            hint = shot.answer if shot.tests is None else shot.tests
            asked = _filled(parts, shot.question, shot.options, hint, mark)
            reply = _replaced(tuple(parts_of(form.reply)), {"rationale": shot.rationale, "answer": shot.answer})
            if isinstance(form, Completion):
                lead += asked + reply + form.separator
            else:
                before += [Message("user", asked), Message("assistant", reply)]
        kind = "completion" if isinstance(form, Completion) else "chat"
        words = json.dumps([before, lead, parts, mark, stop], ensure_ascii=False)
        digits = hashlib.sha256(words.encode()).hexdigest()[:ID_DIGITS]
        return Asking(f"{name}/{language}/{kind}/{version}/{len(shots)}-shot@{digits}", parts, tuple(before), lead, mark)

    stop = form.stop if isinstance(form, Completion) else ()
    stored = asking("plain", form.plain, ())
    plain = asking("plain", form.plain, exemplars) if exemplars else stored
    hinted = None if form.hinted is None else asking("hinted", form.hinted, exemplars)
    marked = None if form.marked is None else asking("marked", form.marked, exemplars)
    return Wording(stored, plain, hinted, marked, stop)


_PLAIN = Chat(plain="{question}", hinted="{question}\n\n(The answer is {hint}.)")
PLAIN = Words("plain", "", {"any": compiled("plain", "any", _PLAIN)})


@dataclasses.dataclass(frozen=True)
class Prompts:
    """Renders problems; picklable.  Without arguments: the question as it is."""

    words: Words = PLAIN
    by_checker: Mapping[str, Words] = dataclasses.field(default_factory=dict)  # in place of `words`

    @property
    def digest(self) -> str:
        """Return a hash of all words that can be put around a question."""
        table = [self.words, sorted(self.by_checker.items())]
        return hashlib.sha256(json.dumps(table, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def files(self) -> dict[str, str]:
        """Return the SHA-256 of each file in use, by its name."""
        return {words.name: words.sha256 for words in self._all() if words.sha256}

    @property
    def tells_hints(self) -> bool:
        """Return whether there are words to tell an answer in, for every problem that is in no checker's own words."""
        return all(wording.hinted is not None for wording in self.words.wordings.values())

    def question(self, problem: Problem) -> Prompt:
        """Return the plain prompt: the question, and its options one a line as `(A) text`."""
        return self._plain(problem, problem.choices)

    def hinted(self, problem: Problem, hint: str) -> Prompt:
        """Return the plain prompt, of which the teacher is told the hint as well; what is stored for training holds no hint."""
        wording = self._wording(problem)
        is_label = hint in tuple(CHOICE_LABELS[: len(problem.choices)])
        asking = wording.marked if wording.marked is not None and is_label else wording.hinted
        assert asking is not None  # `resolve` sees to it
        return Prompt(
            problem,
            wording.stored.messages(problem.question, problem.choices),
            hint=hint,
            told=asking.messages(problem.question, problem.choices, hint),
            role="rationalize",
            prompt_id=asking.prompt_id,
            stop=wording.stop,
        )

    def shuffled(self, problem: Problem, seed: int, number: int) -> Prompt:
        """Return the prompt of the problem's sample `number`, its options in an order drawn for it alone.

        Sample 0, and a problem without options, are asked as in `question`.  A model that knows the answer finds it in any
        order; one that likes a letter is right as often as guessing is (Zheng et al. 2024, arXiv 2309.03882).  The drawn order
        may be the given one, and may be that of another sample: a strategy asks for each sample by its own number.
        """
        if number == 0 or not problem.choices:
            return self.question(problem)
        order = list(range(len(problem.choices)))
        rng_for(seed, f"choice_order/{problem.problem_id}", number).shuffle(order)
        plain = self._plain(problem, [problem.choices[place] for place in order])
        return plain._replace(choice_order=tuple(order))

    def overhead(self, hinted: bool) -> int:
        """Return the bytes of UTF-8 that a prompt has beyond question and options at most: instructions and exemplars."""
        wordings = [wording for words in self._all() for wording in words.wordings.values()]
        askings = [one for wording in wordings for one in ((wording.hinted, wording.marked) if hinted else (wording.plain,))]
        return max((asking.overhead for asking in askings if asking is not None), default=0)

    def _all(self) -> Iterator[Words]:
        yield self.words
        yield from self.by_checker.values()

    def _wording(self, problem: Problem) -> Wording:
        return self.by_checker.get(problem.checker, self.words).wording(problem)

    def _plain(self, problem: Problem, options: Sequence[str]) -> Prompt:
        wording = self._wording(problem)
        stored = wording.stored.messages(problem.question, options)
        told = None if wording.plain is wording.stored else wording.plain.messages(problem.question, options)
        return Prompt(problem, stored, told=told, prompt_id=wording.plain.prompt_id, stop=wording.stop)


def _filled(parts: tuple[str, ...], question: str, options: Sequence[str], hint: str, mark: str) -> str:
    listed = "".join(
        f"\n({label}) {option}{mark if mark and label == hint else ''}"
        for label, option in zip(CHOICE_LABELS, options, strict=False)
    )
    if "options" not in parts[1::2]:
        question, listed = question + listed, ""
    return _replaced(parts, {"question": question, "options": listed, "hint": hint})


def _replaced(parts: tuple[str, ...], values: Mapping[str, str]) -> str:
    """Return the words with the values in their places; what a value holds is never replaced."""
    return "".join(values[part] if place % 2 else part for place, part in enumerate(parts))
