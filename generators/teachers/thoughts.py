"""Thought and response of a completion that marks its thought inline."""

from typing import NamedTuple

from schemas.sample import THOUGHT_MARKS

SOLUTION_MARKS = ("<|begin_of_solution|>", "<|end_of_solution|>")  # Sky-T1, OpenThoughts


class Parts(NamedTuple):
    """A completion, split."""

    reasoning: str
    response: str


def split_thought(text: str) -> Parts:
    """Return thought and response of a completion that marks its thought inline.

    Without marks all of it is response.  A thought that opens and never closes leaves an empty response: nothing was committed.
    """
    text = text.strip()
    for opening, closing in THOUGHT_MARKS:
        if text.startswith(opening):
            thought, closed, rest = text.removeprefix(opening).rpartition(closing)
            return Parts(thought.strip(), _without_solution_marks(rest)) if closed else Parts(rest.strip(), "")
    for _, closing in THOUGHT_MARKS:  # some chat templates open the thought in the prompt
        thought, closed, rest = text.rpartition(closing)
        if closed:
            return Parts(thought.strip(), _without_solution_marks(rest))
    return Parts("", _without_solution_marks(text))


def _without_solution_marks(text: str) -> str:
    opening, closing = SOLUTION_MARKS
    return text.strip().removeprefix(opening).removesuffix(closing).strip()
