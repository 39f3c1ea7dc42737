"""`starbeam verify | steps | leaks`: what is true of anyone's answers and of the steps that lead there."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from generators.records import FieldError, json_text, lookup, text_at
from generators.sources.files import choices_at
from pipeline.cli.parts import field_paths, file_options
from pipeline.recipes import suggestion
from pipeline.rows import Row, Rows, found_at, judged, text_or_none
from schemas.annotation import STATUSES, Verdict
from schemas.errors import UserError
from schemas.problem import Problem

AUTO = "auto"
# What a problem's `tests` holds, from the fields that a prover's rows have.
PROOF_FIELDS = ("prover", "header", "statement")


@click.command("verify")
@file_options
@click.option(
    "--kind",
    default=AUTO,
    show_default=True,
    help="Kind of rows that do not say theirs; auto decides by choices, tests, statement and gold.",
)
def verify_command(path: str, out: str, rejected: str | None, fields: tuple[str, ...], kind: str) -> None:
    """Judge answers.  Reads response and gold, and for some kinds choices, tests, entry_point, statement; adds verdict."""
    from filters.checkers import CHECKERS
    from filters.verify import verify
    from schemas.annotation import VERDICT_TYPE

    if kind not in (*CHECKERS, AUTO):
        raise UserError(f"--kind {kind!r} is unknown; {suggestion(kind, [*CHECKERS, AUTO])}")
    known = ("gold", "response", "kind", "choices", "question", "tolerance", "tests", "entry_point", *PROOF_FIELDS)
    at = field_paths(fields, known)

    def parse(row: Row) -> tuple[Problem, str]:
        return _problem(row, at, kind), _response(row, at["response"])

    def judge(rows: Sequence[tuple[Problem, str]]) -> Sequence[Any]:
        return verify([problem for problem, _ in rows], [response for _, response in rows], CHECKERS)

    rows = Rows(path, out, rejected, "verdict", VERDICT_TYPE)
    rows.write(judged(rows, parse, judge, "verify"))


def _response(row: Row, path: str) -> str:
    return "" if lookup(row, path) == "" else text_at(row, path)


def _problem(row: Row, at: Mapping[str, str], kind: str) -> Problem:
    """Return what a row asks.  Raises FieldError where a field that its kind needs is missing."""
    from filters.checkers import auto_checker

    wanted = text_or_none(row, at["kind"]) or kind
    tests = _tests(row, at)
    choices = choices_at(row, at["choices"]) if found_at(row, at["choices"]) else []
    if wanted == AUTO and tests is not None and not choices:
        wanted = "proof" if found_at(row, at["statement"]) is not None else "code"
    needs_gold = wanted not in ("code", "proof")
    if not needs_gold and tests is None:
        name = "statement" if wanted == "proof" else "tests"
        raise FieldError("missing_field", f"field {at[name]!r} is missing; kind {wanted!r} needs it")
    declared = {name: found_at(row, at[name]) for name in ("entry_point", "tolerance")}
    asked: dict[str, Any] = {
        "question": text_or_none(row, at["question"]) or "",
        "answer": text_at(row, at["gold"]) if needs_gold else text_or_none(row, at["gold"]),
        "choices": choices,
        "tests": tests,
        "source": "",
        "metadata": json_text({name: value for name, value in declared.items() if value is not None}),
    }
    problem = Problem.of(checker=wanted, **asked)
    return Problem.of(checker=auto_checker(problem), **asked) if wanted == AUTO else problem


def _tests(row: Row, at: Mapping[str, str]) -> str | None:
    """Return what a problem's `tests` holds: source text, JSON text of cases, or a statement with its prover and header."""
    if found_at(row, at["statement"]) is not None:
        return json_text({name: text_or_none(row, at[name]) or {"prover": "coq"}.get(name, "") for name in PROOF_FIELDS})
    tests = found_at(row, at["tests"])
    return json_text(tests) if isinstance(tests, list | dict) else text_or_none(row, at["tests"])


@click.command("steps")
@file_options
def steps_command(path: str, out: str, rejected: str | None, fields: tuple[str, ...]) -> None:
    """Check the steps of chains.  Reads text, and optionally question, answer (the final one) and verdict; adds steps."""
    from filters.steps import steps
    from schemas.annotation import STEPS_TYPE

    at = field_paths(fields, ("text", "question", "answer", "verdict"))

    def parse(row: Row) -> tuple[str, Problem, Verdict]:
        question = text_or_none(row, at["question"]) or ""
        problem = Problem.of(question=question, answer=None, checker="", source="")
        return text_at(row, at["text"]), problem, _verdict(row, at)

    def check(rows: Sequence[tuple[str, Problem, Verdict]]) -> Sequence[Any]:
        return steps(*map(list, zip(*rows, strict=True))) if rows else []

    rows = Rows(path, out, rejected, "steps", STEPS_TYPE)
    rows.write(judged(rows, parse, check, "steps"))


def _verdict(row: Row, at: Mapping[str, str]) -> Verdict:
    """Return the row's verdict as `starbeam verify` writes it, or one that knows nothing but the final answer."""
    verdict = found_at(row, at["verdict"])
    given = verdict if isinstance(verdict, dict) else {}
    status, extracted = given.get("status"), given.get("extracted")
    answer = text_or_none(row, at["answer"]) or (extracted if isinstance(extracted, str) else None)
    return Verdict(status if status in STATUSES else "unsure", answer, "", "")


@click.command("leaks")
@file_options
def leaks_command(path: str, out: str, rejected: str | None, fields: tuple[str, ...]) -> None:
    """Find chains that show that they knew the answer.  Reads text, and optionally gold, question, choices; adds leak."""
    from filters.leaks import leak
    from schemas.annotation import LEAK_TYPE

    at = field_paths(fields, ("text", "gold", "question", "choices"))

    def parse(row: Row) -> tuple[str, str | None, str, list[str]]:
        choices = choices_at(row, at["choices"]) if found_at(row, at["choices"]) else []
        return text_at(row, at["text"]), text_or_none(row, at["gold"]), text_or_none(row, at["question"]) or "", choices

    rows = Rows(path, out, rejected, "leak", LEAK_TYPE)
    rows.write(judged(rows, parse, lambda batch: [leak(*one) for one in batch], "leaks"))
