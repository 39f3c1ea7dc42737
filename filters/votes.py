"""Votes: the samples of a problem by the answers that they commit to, equal ones together (Wang et al. 2023, arXiv 2203.11171).

Annotation `vote_v1` says of each sample what the majority answers, and is a pseudo-gold where the problem has no gold.
"""

import collections
from collections.abc import Mapping, Sequence

from filters.answers.classes import equal_classes, is_number
from filters.answers.reading import is_sentinel
from filters.checkers.text import normalize_text
from filters.choice_order import as_given
from filters.verify import COMPARING, commitment
from schemas.annotation import Verdict, Vote, Votes
from schemas.problem import Problem

NAME = "vote_v1"
MIN_SAMPLES = 2  # one sample is no vote


def votes(problem: Problem, verdicts: Sequence[Verdict], orders: Sequence[Sequence[int]]) -> Votes:
    """Return the places of the samples by answer.  Row i has `verdicts[i]` and was asked with its options in `orders[i]`.

    Those that are called correct are one class.  Nobody votes where the problem's checker does not compare answers.
    """
    places: dict[str, list[int]] = {}
    right: set[str] = set()
    for place, (verdict, order) in enumerate(zip(verdicts, orders, strict=True)):
        text = committed(verdict, order) if problem.checker in COMPARING else None
        if text is not None and (text in places or _may_be_answer(problem.checker, text) or verdict.status == "correct"):
            places.setdefault(text, []).append(place)
            if verdict.status == "correct":
                right.add(text)
    of_texts = _with_one_right(_equal(problem.checker, {text: len(of_text) for text, of_text in places.items()}), right)
    classes = [sorted(place for text in texts for place in places[text]) for texts in of_texts]
    return Votes(sorted(classes, key=lambda of_class: (-len(of_class), of_class[0])))


def committed(verdict: Verdict, order: Sequence[int]) -> str | None:
    """Return the answer that a response commits to, None where it commits to none; a label as the problem's own order has it."""
    return as_given(commitment(verdict), order)


def _may_be_answer(checker: str, text: str) -> bool:
    """Say whether a text can be the answer of a problem: "unknown" is none, and "a few" none where a number is asked for."""
    return not is_sentinel(text) and (checker != "numeric" or is_number(text))


def _equal(checker: str, counts: Mapping[str, int]) -> list[list[str]]:
    """Return the texts of answers in classes of equal ones."""
    if checker in ("math", "numeric"):
        return equal_classes(counts) if len(counts) > 1 else [[text] for text in counts]
    classes: dict[str, list[str]] = {}
    for text in counts:
        classes.setdefault(text if checker == "choice" else normalize_text(text) or text, []).append(text)
    return list(classes.values())


def _with_one_right(classes: list[list[str]], right: set[str]) -> list[list[str]]:
    """Return the classes, those that hold a right answer as one: its tolerance and its judge know more than equality does."""
    holding = [one for one in classes if not right.isdisjoint(one)]
    if len(holding) < 2:
        return classes
    return [one for one in classes if one not in holding] + [[text for one in holding for text in one]]


def vote(
    problems: Sequence[Problem], verdicts: Sequence[Verdict], orders: Sequence[Sequence[int]], hinted: Sequence[bool]
) -> list[Vote | None]:
    """Return what each row's problem votes, None where it has fewer than two samples that may vote: the column of `vote_v1`.

    Row i is a sample of `problems[i]`, options in their own order.  A sample that was told the answer has no vote.  The share is of
    all samples that may vote: one that commits to no answer is no vote for any.
    """
    voting: dict[str, list[int]] = collections.defaultdict(list)
    for row, (problem, told) in enumerate(zip(problems, hinted, strict=True)):
        if not told and problem.checker in COMPARING:
            voting[problem.problem_id].append(row)
    held = {name: _Held(problems[rows[0]], rows, verdicts, orders) for name, rows in voting.items() if len(rows) >= MIN_SAMPLES}
    columns = enumerate(zip(problems, hinted, strict=True))
    return [held[one.problem_id].seen_by(row, told) if one.problem_id in held else None for row, (one, told) in columns]


class _Held:
    """The vote of one problem."""

    def __init__(self, problem: Problem, rows: Sequence[int], verdicts: Sequence[Verdict], orders: Sequence[Sequence[int]]) -> None:
        counted = votes(problem, [verdicts[row] for row in rows], [orders[row] for row in rows])
        voters = sum(counted.counts)
        leader = [rows[place] for place in counted.leader or ()]
        self.leader = frozenset(leader)
        if not leader:
            self.vote = Vote(None, None, voters, None, None, None)
            return
        answer = committed(verdicts[leader[0]], orders[leader[0]])
        pseudo = answer if problem.answer is None else None
        self.vote = Vote(answer, len(leader), voters, len(leader) / len(rows), None, pseudo)

    def seen_by(self, row: int, told: bool) -> Vote:
        """Return the vote with whether a row agrees, which is null for one that was told the answer."""
        return self.vote if told or not self.leader else self.vote._replace(agrees=row in self.leader)
