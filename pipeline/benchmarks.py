"""The benchmarks that a recipe names: their files read and checked, and their items laid down for the workers."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from filters.benchmark_index import COMMON_ITEMS, GRAM_WORDS, LEAST_ITEMS, BenchmarkIndex, Item
from filters.shingles import words
from generators.records import JSON_SUFFIXES, PARQUET_SUFFIXES, FieldError, lookup, read_records, text_at
from pipeline import shards, storage
from pipeline.rundir import RunDir
from pipeline.terminal import safe
from schemas.errors import UserError
from schemas.identity import content_id
from schemas.recipe import Benchmark, Recipe
from schemas.reject import Reject

SUFFIXES = sorted(JSON_SUFFIXES + PARQUET_SUFFIXES, key=len, reverse=True)
SHOWN_FIELDS = 20  # of a record, in a message
SHOWN_ITEMS = 5  # of those that cannot be looked for
ITEMS_SCHEMA = pa.schema([pa.field(name, pa.string()) for name in Item._fields])


def read(recipe: Recipe) -> list[Item]:
    """Return the items of a recipe's benchmarks, none where it names none.  Raises UserError."""
    if recipe.decontaminate is None:
        return []
    root = recipe.root
    return read_all([table.model_copy(update={"path": storage.rooted(table.path, root)}) for table in recipe.decontaminate.tables])


def read_all(tables: Sequence[Benchmark]) -> list[Item]:
    """Return the items of benchmarks, in the order of their files.  Raises UserError where one is not whole."""
    names: dict[str, str] = {}
    for table in tables:
        name = name_of(table)
        if name in names:
            raise UserError(
                f"benchmarks {names[name]} and {table.path} are both named {name!r}; give one a name: NAME={table.path}, or in a "
                f'recipe {{ path = "{table.path}", name = "NAME" }}'
            )
        names[name] = table.path
    return [item for table in tables for item in _read(table)]


def name_of(table: Benchmark) -> str:
    """Return the name of a benchmark: its own, or its file's without folder and ending."""
    if table.name is not None:
        return table.name
    file = table.path.rstrip("/").rsplit("/", 1)[-1]
    return next((file.removesuffix(suffix) for suffix in SUFFIXES if file.endswith(suffix)), file)


def _read(table: Benchmark) -> Iterator[Item]:
    field = table.field or "question"
    row = 0
    for row, record in enumerate(read_records(table.path), start=1):
        if isinstance(record, Reject):
            raise UserError(f"benchmark {record.source}, row {record.position}: {record.detail}; mend the row or take it out")
        where = f"benchmark {record.source}, row {record.position}"
        try:
            text = text_at(record.fields, field)
            item = str(row) if table.id is None else text_at(record.fields, table.id)
        except FieldError as error:
            raise UserError(f"{where}: {error}; {_mend(error, record.fields, field)}") from error
        if not words(text):
            raise UserError(f"{where}: field {field!r} is {text[:40]!r}, which has no word to look for; take the row out")
        yield Item(name_of(table), item, text)
    if not row:
        raise UserError(f"benchmark {table.path}: holds no record; give a file with questions")


def _mend(error: FieldError, fields: Mapping[str, Any], field: str) -> str:
    if error.reason == "missing_field":
        return f"it has {', '.join(list(fields)[:SHOWN_FIELDS])}: name one of these"
    inner = lookup(fields, field) if error.reason == "wrong_type" else None
    if isinstance(inner, Mapping) and inner:
        return f"name a field in it: {', '.join(f'{field}.{name}' for name in list(inner)[:SHOWN_FIELDS])}"
    return "mend the row or take it out"


def facts(items: Sequence[Item]) -> dict[str, dict[str, Any]]:
    """Return of each benchmark the number of its items and the SHA-256 of their ids and texts."""
    of_each: dict[str, list[Item]] = {}
    for item in items:
        of_each.setdefault(item.benchmark, []).append(item)
    return {
        name: {"items": len(of_one), "sha256": hashlib.sha256("".join(map(_line, of_one)).encode()).hexdigest()}
        for name, of_one in sorted(of_each.items())
    }


def remarks(index: BenchmarkIndex, items: int) -> Iterator[str]:
    """Yield what is to be said of an index of so many items."""
    if len(index.items) < items:
        yield f"benchmarks: {items - len(index.items):,} items have the words of another, which stands for them"
    if index.boilerplate:
        yield (
            f"benchmarks: {index.boilerplate:,} runs of {GRAM_WORDS} words stand in over {COMMON_ITEMS} items, or in over half of "
            "a benchmark's; they say of no item that it is there"
        )
    if lost := index.without_own:
        yield f"benchmarks: {len(lost):,} items have no other words, and cannot be looked for in a longer text: {_listed(lost)}"
    if few := index.with_few_own:
        yield (
            f"benchmarks: {len(few):,} items have fewer than {GRAM_WORDS} other words; a text with all but these does not hold "
            f"them: {_listed(few)}"
        )
    for name in index.too_few:
        yield (
            f"benchmarks: items of {safe(name)} share runs of {GRAM_WORDS} words; fewer than {LEAST_ITEMS} do not show whether an "
            "instruction is around them, so that a text with this alone may be a copy of each"
        )


def _listed(items: Sequence[tuple[str, str]]) -> str:
    named = ", ".join(safe(f"{benchmark} {item}") for benchmark, item in items[:SHOWN_ITEMS])
    return f"{named}, …" if len(items) > SHOWN_ITEMS else named


def _line(item: Item) -> str:
    return json.dumps([item.id, item.text]) + "\n"


@dataclasses.dataclass(frozen=True)
class Benchmarks:
    """The benchmarks of a run, as workers get them: where their items lie; picklable."""

    url: str
    key: str  # of the content
    in_chains: bool

    @property
    def index(self) -> BenchmarkIndex:
        """The index, made once in a process."""
        return _index(self.url, self.key)


def laid_down(recipe: Recipe, items: Sequence[Item], run: RunDir) -> Benchmarks | None:
    """Write the items of a recipe's benchmarks to its run, and return what workers need; None where it names none."""
    if recipe.decontaminate is None:
        return None
    key = content_id(*(part for item in items for part in item))
    if shards.key_of(run.benchmarks) != key:
        columns = [pa.array(column, pa.string()) for column in zip(*items, strict=True)]
        shards.write_table(run.benchmarks, pa.Table.from_arrays(columns, schema=ITEMS_SCHEMA), {shards.KEY: key})
    return Benchmarks(run.benchmarks, key, recipe.decontaminate.chains)


@functools.lru_cache(maxsize=1)
def _index(url: str, key: str) -> BenchmarkIndex:
    return BenchmarkIndex.of([Item(**row) for row in shards.read_table(url).to_pylist()])
