"""`starbeam tag`."""

from collections.abc import Sequence
from typing import Any

import click

from generators.records import text_at
from generators.sources.files import choices_at
from pipeline.cli.parts import field_paths, file_options
from pipeline.rows import Row, Rows, found_at, judged, text_or_none
from schemas.annotation import Verdict
from schemas.problem import Problem


@click.command("tag")
@file_options
def tag_command(path: str, out: str, rejected: str | None, fields: tuple[str, ...]) -> None:
    """Mark what chains do to themselves.  Reads text, and optionally question, gold and choices; adds reflections.

    Offsets are code points.  With the gold each has its effect on the answer; sentences of the question are no reflections.
    """
    from filters.checkers import auto_checker
    from filters.effects import effects
    from filters.reflections import reflections
    from schemas.annotation import REFLECTIONS_TYPE

    at = field_paths(fields, ("text", "question", "gold", "choices"))

    def parse(row: Row) -> tuple[str, Problem]:
        asked: dict[str, Any] = {
            "question": text_or_none(row, at["question"]) or "",
            "answer": text_or_none(row, at["gold"]),
            "choices": choices_at(row, at["choices"]) if found_at(row, at["choices"]) else [],
            "source": "",
        }
        problem = Problem.of(checker="", **asked)
        return text_at(row, at["text"]), Problem.of(checker=auto_checker(problem), **asked)

    def mark(rows: Sequence[tuple[str, Problem]]) -> Sequence[Any]:
        chains, problems = [chain for chain, _ in rows], [problem for _, problem in rows]
        found = reflections(chains, [problem.question for problem in problems])
        return effects(chains, found, problems, [Verdict("unsure", None, "", "")] * len(rows))[0]

    rows = Rows(path, out, rejected, "reflections", REFLECTIONS_TYPE)
    rows.write(judged(rows, parse, mark, "tag"))
