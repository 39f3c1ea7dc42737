"""What the answers that a chain states are compared by: as the problem's checker reads them, typed, never by computer algebra."""

from collections.abc import Callable, Hashable
from fractions import Fraction

from filters.answers.comparison import compare
from filters.answers.reading import Reading, read_answer
from filters.asked import MAX_QUESTION_CHARS
from filters.checkers.choice import read_labels
from filters.checkers.declared import names_unit, tolerance_of
from filters.checkers.numeric import read_number
from filters.checkers.text import normalize_text
from filters.readings import is_prose
from filters.verify import COMPARING, commitment
from schemas.annotation import Verdict
from schemas.problem import CHOICE_LABELS, Problem

MAX_KNOWN = 4096  # comparisons that are remembered, of one problem
_LEFT_OUT = frozenset(("unit_missing", "unevaluated"))  # what two statements of one chain may differ in: 18 and $18


class AnswerKey:
    """Says of the answers to one problem which are right, and which are the same."""

    def __init__(self, problem: Problem, verdict: Verdict) -> None:
        """Take a problem and the verdict on one of its samples: an answer that a judge or a proof found right counts as right."""
        self.problem = problem
        self.question = problem.question[:MAX_QUESTION_CHARS]
        self.compares = problem.checker in COMPARING
        self.tolerance = tolerance_of(problem) or Fraction(0)
        self.committed = commitment(verdict) if self.compares else None
        self.gold = self._read(problem.answer) if self.compares and problem.answer is not None else None
        self.worded = isinstance(self.gold, Reading) and self.gold.words is not None
        accepted = self.committed if verdict.status == "correct" else None
        self.accepted = None if accepted is None else self._read(accepted)
        self.texts = self._texts()
        self._known: dict[tuple[str, ...], bool | None] = {}

    def _texts(self) -> list[str]:
        """Return the gold and the committed answer as they are written, labels with the texts of their options."""
        if not self.problem.choices:
            return [text for text in (self.problem.answer, self.committed) if text is not None]
        options = dict(zip(CHOICE_LABELS, self.problem.choices, strict=False))
        texts = [text for text in (self.problem.answer, self.committed) if text is not None]
        return texts + [options[label] for text in texts for label in read_labels(text, self.problem.choices) if label in options]

    def offers(self, text: str) -> bool:
        """Say whether an answer in words is one that the problem names: an option, or words of its question or its gold."""
        if self.problem.choices:
            return self._read(text) is not None
        return text.lower() in self.question.lower() or text.lower() == (self.problem.answer or "").lower()

    def read(self, text: str) -> Hashable | None:
        """Return a text as an answer of the problem's kind, None where it is none."""
        value = self._read(text)
        if isinstance(value, Reading) and value.words is not None and not self.worded:
            return None
        return None if isinstance(value, str) and is_prose(text) and value != self.gold else value

    def is_right(self, text: str) -> bool | None:
        """Say whether a text is the right answer, None where that is not known."""
        return self._remembered((text,), lambda: self._is_right(self._read(text)))

    def same(self, one: str, other: str) -> bool | None:
        """Say whether two texts are one answer, None where that is not known."""
        return one == other or self._remembered((one, other), lambda: self._same(self._read(one), self._read(other)))

    def _remembered(self, texts: tuple[str, ...], ask: Callable[[], bool | None]) -> bool | None:
        if texts not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[texts] = ask()
        return self._known[texts]

    def _read(self, text: str) -> Hashable | None:
        match self.problem.checker:
            case "choice":
                labels = read_labels(text, self.problem.choices)
                return labels if len(labels) == 1 else None
            case "text":
                return normalize_text(text)
            case "numeric":
                return read_number(text)
        return read_answer(text)

    def _is_right(self, value: Hashable | None) -> bool | None:
        if value is None or (self.gold is None and self.accepted is None):
            return None
        if self.accepted is not None and (self.gold is None or self._same(self.accepted, value)):
            return self._same(self.accepted, value)
        if not isinstance(self.gold, Reading) or not isinstance(value, Reading):
            return value == self.gold
        outcome = compare(self.gold, value, self.tolerance)
        unit = self.gold.quantity.unit if self.gold.quantity is not None else ""
        if outcome.reason == "unit_missing" and names_unit(self.problem.question, unit):
            return True
        return {"equal": True, "different": False}.get(outcome.relation)

    def _same(self, one: Hashable | None, other: Hashable | None) -> bool | None:
        if one is None or other is None:
            return None
        if not isinstance(one, Reading) or not isinstance(other, Reading):
            return one == other
        for outcome in (compare(one, other), compare(other, one)):
            if outcome.relation == "equal" or outcome.reason in _LEFT_OUT:
                return True
        return False if outcome.relation == "different" else None
