"""Problems whose options were asked in another order than their own.

Option i of what was asked is `choices[order[i]]`; an empty order is the problem's own.  A response names options as they were
asked.  So it is judged against the problem as asked, and a verdict's `extracted` is the label as asked.
"""

import dataclasses
from collections.abc import Sequence

from filters.checkers.choice import read_labels
from schemas.problem import CHOICE_LABELS, Problem


def as_asked(problem: Problem, order: Sequence[int]) -> Problem:
    """Return the problem with its options in the order in which they were asked, and its gold label moved with its option.

    The id stays.  A gold that is an option's text stays as well; one that names several options is made empty, so that no order
    of the options makes it readable.  Raises ValueError where `order` is no order of the problem's options.
    """
    if not order:
        return problem
    if sorted(order) != list(range(len(problem.choices))):
        raise ValueError(f"choice_order {list(order)} is no order of the {len(problem.choices)} options of {problem.problem_id}")
    choices = tuple(problem.choices[place] for place in order)
    return dataclasses.replace(problem, choices=choices, answer=_moved(problem.answer, problem.choices, choices, order))


def _moved(gold: str | None, given: tuple[str, ...], asked: tuple[str, ...], order: Sequence[int]) -> str | None:
    labels = frozenset[str]() if gold is None else read_labels(gold, given)
    if gold is None or not labels:
        return gold
    if len(labels) > 1:
        return ""
    (named,) = labels
    place = order.index(CHOICE_LABELS.index(named))
    label = CHOICE_LABELS[place]
    # The last of these is for options that are labels themselves: "Which vitamin …  (A) C  (B) D".
    return next((one for one in (gold, label, f"({label}) {asked[place]}") if read_labels(one, asked) == {label}), "")


def as_given(extracted: str | None, order: Sequence[int]) -> str | None:
    """Return an extracted label as the problem's own order has it, so that it compares with other samples; other texts stay."""
    if not order or extracted is None or len(extracted) != 1 or extracted not in CHOICE_LABELS[: len(order)]:
        return extracted
    return CHOICE_LABELS[order[CHOICE_LABELS.index(extracted)]]


def named_gold(problem: Problem) -> str | None:
    """Return the gold in words of its own: a label with the text of its option."""
    labels = read_labels(problem.answer, problem.choices) if problem.answer is not None and problem.choices else ()
    if len(labels) != 1:
        return problem.answer
    (label,) = labels
    return f"({label}) {problem.choices[CHOICE_LABELS.index(label)]}"
