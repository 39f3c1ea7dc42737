"""The report on a finished run, read from its release and its annotated rows."""

import collections
import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import shards, storage
from pipeline.earlier import MANIFEST, listing, parsed_manifest
from pipeline.reflection_report import Reflections, section
from pipeline.report import Contaminations, Facts, Hit, Page, Removed, Side, duplicates, examples_of
from pipeline.rundir import RunDir
from pipeline.slices import texts_of
from schemas.errors import RunError, UserError
from schemas.manifest import FileEntry
from schemas.recipe import Dedupe

CONFIGS = ("full", "rejected")  # that hold what is said of each row
HITS = 12  # rows with an item of a benchmark that are shown
QUESTION_SHOWN = 600  # characters of a question


class _Known(NamedTuple):
    """What the manifest says that the page needs."""

    name: str
    facts: Facts
    run: RunDir
    files: list[FileEntry]
    dedupe: Dedupe
    compared: Mapping[str, int]
    copies: int
    reflections: Reflections | None

    @classmethod
    def of(cls, url: str) -> "_Known":
        """Return it.  Raises UserError where there is no finished run."""
        path = RunDir(url, 0).manifest
        if not storage.exists(path):
            raise UserError(f"{url}: holds no release/{MANIFEST}, so it is no finished run; build it first, or name a run's folder")
        manifest = parsed_manifest(storage.read_bytes(path), url)
        listed = listing(manifest, url)
        try:
            recipe, funnel = manifest["recipe"], manifest["funnel"]
            facts = [
                ("recipe", manifest["recipe_sha256"][:16]),
                *((name, f"{funnel[name]:,}") for name in ("problems", "samples", "kept")),
                *((f"rejected: {reason}", f"{count:,}") for reason, count in funnel["rejected_samples"].items()),
                *(("counts as kept", f"{one['name']}, {one['sha256'][:16]}") for one in manifest["against"]),
            ]
            dedupe = Dedupe(**{**recipe["dedupe"], "against": ()})
            run, copies = RunDir(url, recipe["partitions"]), sum(funnel["duplicates"].values())
            return cls(listed.name, facts, run, listed.files, dedupe, funnel["compared"], copies, section(manifest))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{url}: its {MANIFEST} is none that this version writes; run `starbeam curate` again") from error


def page_of(url: str) -> Page:
    """Return the report on a run.  Raises UserError where there is no finished one."""
    known = _Known.of(url)
    copies, turned_away = _copies(known)
    removed = _removed(copies)
    examples = examples_of([one for one in removed if not one.earlier and one.kept_id not in turned_away], known.dedupe)
    sides = {side.id: side for side in _sides(known.run, {id for _, one in examples for id in (one.id, one.kept_id)})}
    unseen = known.copies - len(removed)
    note = f"{unseen:,} more copies were kept, and are not counted here: the release has no config full." if unseen else ""
    copied = duplicates(removed, examples, sides, known.dedupe, known.compared, "problem", note)
    return Page(known.name, known.facts, copied, _contaminations(known), known.reflections)


def _tables(known: _Known, columns: Iterable[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield the shards of the configs that say most of each row, with those of the columns that there are."""
    for file in known.files:
        if file.config in CONFIGS:
            yield file.config, shards.read_columns(storage.join(known.run.release, file.path), columns, _unread)


def _unread(said: str) -> RunError:
    return RunError(f"{said}; run `starbeam curate` again")


def _copies(known: _Known) -> tuple[pa.Table, set[str]]:
    """Return the rows that another stands for, with the problem of that one, null where it is of an earlier release; and the ids of
    those that stand for a row and were turned away themselves, for another reason.

    A row that is a copy stands for none: an id that it shares with a kept one is that of the earlier release.
    """
    tables = list(_tables(known, ("sample_id", "problem_id", "duplicate")))
    found = pa.concat_tables([table.filter(pc.is_valid(table["duplicate"])) for _, table in tables])
    kept = pc.struct_field(found["duplicate"].combine_chunks(), "kept_id")
    problems: dict[str, str] = {}
    for table in _annotated(known.run, ("sample_id", "problem_id")) if found.num_rows else ():
        ids = table["sample_id"]
        stands = table.filter(pc.and_(pc.is_in(ids, kept), pc.invert(pc.is_in(ids, found["sample_id"].combine_chunks()))))
        problems.update(zip(stands["sample_id"].to_pylist(), stands["problem_id"].to_pylist(), strict=True))
    rejected = (table["sample_id"] for config, table in tables if config == "rejected")
    turned_away = {id for ids in rejected for id in ids.filter(pc.is_in(ids, kept)).to_pylist()}
    return found.append_column("kept_problem", pa.array([problems.get(id) for id in kept.to_pylist()], pa.string())), turned_away


def _annotated(run: RunDir, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the rows of each partition, kept or not."""
    for partition in range(run.partitions):
        yield shards.read_table(run.annotated(partition), columns, _unread)


def _removed(copies: pa.Table) -> list[Removed]:
    rows = zip(*(copies[name].to_pylist() for name in ("sample_id", "problem_id", "kept_problem", "duplicate")), strict=True)
    return [
        Removed(sample, one["kept_id"], one["kind"], one["jaccard"], problem == kept_problem, kept_problem is None)
        for sample, problem, kept_problem, one in rows
    ]


def _sides(run: RunDir, wanted: set[str]) -> Iterator[Side]:
    """Yield some rows as examples show them."""
    ids = pa.array(sorted(wanted), pa.string())
    for partition, listed in enumerate(_annotated(run, ["sample_id"])):
        here = listed["sample_id"].combine_chunks()  # Arrow crashes where there is no chunk
        rows = pc.indices_nonzero(pc.is_in(here, ids))
        if len(rows):
            columns = ["sample_id", "teacher", "problem_id", "reasoning", "response"]
            table = shards.read_table(run.annotated(partition), columns, _unread).take(rows)
            names = (table[name].to_pylist() for name in ("sample_id", "teacher", "problem_id"))
            for id, teacher, problem, text in zip(*names, texts_of(table), strict=True):
                yield Side(id, f"{teacher}, problem {problem[:8]}", text)


def _contaminations(known: _Known) -> Contaminations | None:
    """Return the section on benchmarks, None where none was looked for."""
    rows: collections.Counter[tuple[str, str, str]] = collections.Counter()
    kept: collections.Counter[tuple[str, str, str]] = collections.Counter()
    examples: dict[tuple[str, str], Hit] = {}  # by benchmark and item
    looked = False
    for config, table in _tables(known, ("sample_id", "question", "contamination")):
        if "contamination" not in table.column_names:
            continue
        looked = looked or table["contamination"].null_count < table.num_rows
        table = table.filter(pc.greater(pc.list_value_length(table["contamination"]), 0))
        for one in table.to_pylist():
            kinds = {(hit["benchmark"], hit["kind"], hit["field"]) for hit in one["contamination"]}
            rows.update(kinds)
            kept.update(kinds if config == "full" else ())
            most = max(one["contamination"], key=lambda hit: (hit["overlap"], hit["longest_run"]))
            hit = Hit(one["sample_id"], config == "full", most, one["question"][:QUESTION_SHOWN])
            examples.setdefault((most["benchmark"], most["item"]), hit)
    shown = heapq.nsmallest(HITS, examples.values(), key=lambda hit: (-hit.found["overlap"], -hit.found["longest_run"], hit.id))
    return Contaminations([(*key, count, kept[key]) for key, count in sorted(rows.items())], shown) if looked else None
