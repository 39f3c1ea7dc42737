"""A problem as a teacher is asked it: plain, with its answer as a hint, with its options in another order."""

import dataclasses
from collections.abc import Sequence

from generators.teachers.teacher import Prompt
from schemas.identity import rng_for
from schemas.problem import CHOICE_LABELS, Problem
from schemas.sample import Message


@dataclasses.dataclass(frozen=True)
class Prompts:
    """Renders problems; picklable."""

    @property
    def digest(self) -> str:
        """Return a hash of all words that can be put around a question."""
        return ""

    def question(self, problem: Problem) -> Prompt:
        """Return the plain prompt: the question, and its options one a line as `(A) text`."""
        return Prompt(problem, _asked(problem.question, problem.choices))

    def hinted(self, problem: Problem, hint: str) -> Prompt:
        """Return the plain prompt, of which the teacher is told the hint as well; what is stored for training holds no hint."""
        messages = _asked(problem.question, problem.choices)
        told = (*messages[:-1], Message("user", f"{messages[-1].content}\n\n(The answer is {hint}.)"))
        return Prompt(problem, messages, hint=hint, told=told, role="rationalize")

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
        messages = _asked(problem.question, [problem.choices[place] for place in order])
        return Prompt(problem, messages, choice_order=tuple(order))

    def overhead(self, hinted: bool) -> int:
        """Return the bytes of UTF-8 that a prompt has beyond question and options: instructions and exemplars."""
        return 0


def _asked(text: str, options: Sequence[str]) -> tuple[Message, ...]:
    labelled = [f"({label}) {option}" for label, option in zip(CHOICE_LABELS, options, strict=False)]
    return (Message("user", "\n".join([text, *labelled])),)
