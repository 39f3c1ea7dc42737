"""How a chain comes to its answer: when the right one is first stated, when the last one is settled, what comes after."""

import itertools
from collections.abc import Sequence

from filters.answer_key import AnswerKey
from filters.repetition import loops, superficial
from filters.stated_answers import StatedAnswer
from schemas.annotation import Course, Label, Reflection, Verdict

_SWITCHES: frozenset[Label] = frozenset(("alternative", "backtracking"))  # each begins a new thought


def course(
    chain: str,
    reflections: Sequence[Reflection],
    answers: Sequence[StatedAnswer],
    key: AnswerKey,
    verdict: Verdict,
    question: str,
) -> Course:
    """Return the course of one chain.  A place is where the statement ends; whether the chain ends right is the verdict's word.

    Underthinking is 0 where the right answer never was stated, as in its definition (2501.18585, section 3.2).
    """
    length = max(len(chain), 1)
    first_right = next((one.end / length for one in answers if key.is_right(one.text)), None)
    settled = _settled(answers, key)
    place = None if settled is None else settled.end / length
    underthinking = None
    if key.compares and verdict.status == "incorrect":
        underthinking = 0.0 if first_right is None else 1 - first_right
    return Course(
        answers=len(answers),
        changes=sum(key.same(one.text, other.text) is False for one, other in itertools.pairwise(answers)),
        first_right=first_right,
        settled=place,
        overthinking=1 - place if place is not None and verdict.status == "correct" else None,
        underthinking=underthinking,
        thoughts=1 + len({one.start for one in reflections if one.label in _SWITCHES}),
        superficial=superficial(chain, reflections, question),
        loops=loops(chain),
    )


def _settled(answers: Sequence[StatedAnswer], key: AnswerKey) -> StatedAnswer | None:
    """Return the first of the statements at the end that all are the same answer."""
    settled = None
    for one in reversed(answers):
        if settled is not None and not key.same(one.text, settled.text):
            break
        settled = one
    return settled
