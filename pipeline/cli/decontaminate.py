"""`starbeam decontaminate`."""

import collections
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from generators.records import Record, expand, text_at
from pipeline.cli.parts import field_paths, file_options
from pipeline.recipes import build
from pipeline.rows import Rows, judged
from pipeline.terminal import safe
from schemas.annotation import Contamination
from schemas.errors import UserError
from schemas.recipe import Benchmark

SHOWN = 3  # hits of each kind that are shown
SHOWN_CHARACTERS = 160  # of a text


@click.command("decontaminate")
@file_options
@click.option(
    "--benchmark",
    "given",
    multiple=True,
    required=True,
    metavar="[NAME=]FILE",
    help="Questions that models are tested by; repeatable.",
)
@click.option(
    "--benchmark-field",
    "asked_in",
    multiple=True,
    default=("question",),
    show_default=True,
    metavar="PATH",
    help="Field of its records that is asked: one for all benchmarks, or one for each.",
)
def decontaminate_command(
    path: str, out: str, rejected: str | None, fields: tuple[str, ...], given: tuple[str, ...], asked_in: tuple[str, ...]
) -> None:
    """Find benchmarks' items in texts.  Reads text; adds contamination, empty for clean rows."""
    from filters.benchmark_index import BenchmarkIndex
    from filters.contamination import contamination
    from pipeline.benchmarks import read_all, remarks
    from schemas.annotation import CONTAMINATION_TYPE

    at = field_paths(fields, ("text",))
    rows = Rows(path, out, rejected, "contamination", CONTAMINATION_TYPE)
    tables = _benchmarks(given, asked_in)
    for table in tables:
        rows.spare("--benchmark", *expand(table.path))
    items = read_all(tables)
    index = BenchmarkIndex.of(items)
    for line in remarks(index, len(items)):
        click.echo(f"starbeam: {line}", err=True)
    found = judged(rows, lambda row: text_at(row, at["text"]), lambda texts: contamination(texts, index), "decontaminate")
    summary = _Summary(at["text"], {(item.benchmark, item.id): item.text for item in items})
    rows.write(summary.seeing(found))
    summary.say()


def _benchmarks(given: Sequence[str], asked_in: Sequence[str]) -> list[Benchmark]:
    if len(asked_in) not in (1, len(given)):
        raise UserError(
            f"--benchmark-field is given {len(asked_in)} times for {len(given)} benchmarks; give one for all, or one for each"
        )
    found = []
    for place, one in enumerate(given):
        name, equals, path = one.partition("=")
        named = {"name": name, "path": path} if equals and "/" not in name else {"path": one}
        found.append(build(Benchmark, {**named, "field": asked_in[place if len(asked_in) > 1 else 0]}, f"--benchmark {one}"))
    return found


class _Summary:
    """Counts hits as rows pass, and keeps the first few."""

    def __init__(self, field: str, items: Mapping[tuple[str, str], str]) -> None:
        self._field, self._items = field, items
        self._rows: collections.Counter[tuple[str, str]] = collections.Counter()
        self._first: dict[str, list[tuple[str, Contamination]]] = collections.defaultdict(list)

    def seeing(self, rows: Iterator[tuple[Record, Any]]) -> Iterator[tuple[Record, Any]]:
        """Pass rows on, counted."""
        for record, hits in rows:
            self._count(record, hits)
            yield record, hits

    def _count(self, record: Record, hits: Sequence[Contamination]) -> None:
        self._rows.update({(hit.benchmark, hit.kind) for hit in hits})
        for hit in hits:
            if len(self._first[hit.kind]) < SHOWN:
                self._first[hit.kind].append((_shown(text_at(record.fields, self._field)), hit))

    def say(self) -> None:
        """Say on stderr what was found."""
        for (benchmark, kind), count in sorted(self._rows.items()):
            held = "a copy of an item" if kind == "copy" else "an item with other numbers"
            click.echo(f"starbeam: {safe(benchmark)}: {count:,} rows hold {held}", err=True)
        for text, hit in (one for kind in sorted(self._first) for one in self._first[kind]):
            found = f"{hit.overlap:.0%} of its words, {hit.longest_run} in a row"
            click.echo(f"{hit.kind} of {safe(hit.benchmark)} {safe(hit.item)}: {found}", err=True)
            click.echo(f"  row:  {text}\n  item: {_shown(self._items[hit.benchmark, hit.item])}", err=True)
        if not self._rows:
            click.echo("starbeam: no row holds an item of a benchmark", err=True)


def _shown(text: str) -> str:
    text = safe(" ".join(text[: 2 * SHOWN_CHARACTERS].split()))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
