"""The one-method protocol of every checker."""

from typing import Protocol

from schemas.annotation import Verdict
from schemas.problem import Problem


class Checker(Protocol):
    """Judges whether a response reaches the problem's gold answer.  Pure: no clock, no network, no randomness."""

    name: str  # with its version, such as "numeric_v1"; a new meaning gets a new version

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict.  `response` is the text after the thought.  Never raises on any text."""
        ...
