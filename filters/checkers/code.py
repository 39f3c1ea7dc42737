"""Code with tests, run in a sandbox: a function against assertions, or a program against inputs and outputs."""

import functools
import json
import re
from typing import Any, NamedTuple

from filters.checkers.declared import UNREADABLE_TOLERANCE, tolerance_of
from filters.extraction import final_section
from filters.sandbox.run import OUTPUT_BYTES, Outcome, missing_walls, run_program, run_tests
from filters.sandbox.sources import code_blocks, contexts_of, sources_of
from schemas.annotation import Verdict
from schemas.problem import Problem

MAX_SHOWN_CHARS = 4096
MAX_CASES = 1000
MAX_NUMBER_CHARS = 64

_ASSERTION = re.compile(r"\bassert\b")
_WHOLE = re.compile(r"[+-]?\d{1,40}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,2})?")


class Case(NamedTuple):
    """What a program reads and what it should write."""

    input: str
    output: str


class Gold(NamedTuple):
    """A problem's tests: the source of assertions, or cases."""

    tests: str | None
    cases: tuple[Case, ...]


class Code:
    """Judges by running the code.  Where this machine lacks a wall of the sandbox, the verdict's checker says which."""

    name = "code_v1"

    def check(self, problem: Problem, response: str) -> Verdict:
        """Return the verdict; `extracted` is the program that was run, up to `MAX_SHOWN_CHARS` characters of it."""
        section = final_section(response)
        sources = [] if section is None else sources_of(section, contexts_of(problem.question))
        verdict = self._judged(problem, sources)
        if verdict.reason == "syntax_error" and not (section and code_blocks(section)):
            return verdict._replace(extracted=None, reason="no_answer")  # prose
        return verdict

    def judge(self, problem: Problem, source: str) -> Verdict:
        """Return the verdict on a bare program, such as a data set's own solution."""
        return self._judged(problem, [[source]])

    def _judged(self, problem: Problem, sources: list[list[str]]) -> Verdict:
        gold = _gold(problem.answer if problem.tests is None else problem.tests)
        entry = _entry_point(problem.metadata)
        if gold is None or entry is None:
            return Verdict("error", None, self.name, "gold_unreadable")
        tolerance = tolerance_of(problem)
        if tolerance is None:
            return Verdict("error", None, self.name, UNREADABLE_TOLERANCE)
        if not sources:
            return Verdict("incorrect", None, self.name, "no_answer")
        if gold.tests is not None:
            outcome = run_tests(sources, gold.tests, contexts=contexts_of(problem.question), entry=entry or None)
        else:
            outcome = _run_cases(sources, gold.cases, float(tolerance))
        shown = (outcome.source or sources[0][0])[:MAX_SHOWN_CHARS]
        return Verdict(outcome.status, shown, self.name + missing_walls(), outcome.reason)


def _run_cases(sources: list[list[str]], cases: tuple[Case, ...], tolerance: float) -> Outcome:
    outcome = Outcome("error", "gold_unreadable")
    for case in cases:
        wanted = case.output
        outcome = run_program(sources, case.input, output_bytes=max(OUTPUT_BYTES, 2 * len(wanted.encode("utf-8", "replace"))))
        if outcome.status != "correct":
            return outcome
        if not same_output(outcome.output.decode("utf-8", "replace"), wanted, tolerance):
            return outcome._replace(status="incorrect", reason="failed")
    return outcome._replace(reason="passed")


def same_output(written: str, wanted: str, tolerance: float) -> bool:
    """Compare line by line without the spaces that end a line and the empty lines that end the text."""
    mine, theirs = ([line.rstrip() for line in text.rstrip().split("\n")] for text in (written, wanted))
    if mine == theirs or not tolerance:
        return mine == theirs
    pairs = list(zip(mine, theirs, strict=False))
    return len(mine) == len(theirs) and all(
        len(words) == len(others) and all(_same_word(word, other, tolerance) for word, other in zip(words, others, strict=True))
        for words, others in ((one.split(), other.split()) for one, other in pairs)
    )


def _same_word(word: str, wanted: str, tolerance: float) -> bool:
    """Compare two words as numbers where both are and one at least is no whole number: whole numbers are exact."""
    if word == wanted:
        return True
    if len(word) > MAX_NUMBER_CHARS or not (_NUMBER.fullmatch(word) and _NUMBER.fullmatch(wanted)):
        return False
    if _WHOLE.fullmatch(word) and _WHOLE.fullmatch(wanted):
        return False
    return abs(float(word) - float(wanted)) <= tolerance * max(1.0, abs(float(wanted)))  # absolute or relative, as contests do


@functools.lru_cache(maxsize=16)  # the samples of a problem come one after the other, and tests may be a megabyte
def _gold(text: str | None) -> Gold | None:
    """Return the tests, None where they cannot be read."""
    if text is None or not text.lstrip().startswith("["):
        return Gold(text, ()) if text is not None and _ASSERTION.search(text) else None
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cases = [_case(item) for item in items[: MAX_CASES + 1]]
    if items and all(isinstance(item, str) for item in items):  # a list of assertions, as in MBPP
        return Gold("\n".join(items), ())
    whole = tuple(case for case in cases if case is not None)
    return Gold(None, whole) if 0 < len(whole) == len(items) <= MAX_CASES else None


def _case(item: Any) -> Case | None:
    match item:
        case {"input": str(given), "output": str(wanted)}:
            return Case(given, wanted)
    return None


@functools.lru_cache(maxsize=256)
def _entry_point(metadata: str) -> str | None:
    """Return the `entry_point` that metadata declares, "" where it declares none, None where it is no text."""
    try:
        entry = json.loads(metadata).get("entry_point") or ""
    except (ValueError, AttributeError, RecursionError):
        return None
    return entry if isinstance(entry, str) else None
