"""Corpora as `starbeam mine` reads them, and what it says of them."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click
import tomli_w
from rich.cells import cell_len
from rich.table import Table

from filters.mining import Finding, Mined
from filters.pattern_rules import Rule, excerpt, finder
from filters.patterns import MOST_DOCUMENTS
from filters.shingles import BATCH_CHARACTERS
from generators.records import FieldError, Record, expand, json_text, read_records, text_at
from pipeline import storage
from pipeline.reading import bar
from pipeline.rows import REJECTS_SAID, Row, found_at, text_or_none
from pipeline.terminal import safe
from schemas.errors import RunError, UserError
from schemas.reject import Reject
from schemas.sample import chain_text

FIELDS = ("text", "group")
MOST_CHARACTERS = 1 << 20  # of the texts of a group that are taken together
VALUES_SHOWN = 5  # of a field, or fields in it, where no row fits
LEAST_CHARACTERS, SHOWN_CHARACTERS = 12, 72  # of an example in the table; where there is room for fewer it has none
GAP = 2  # between the table's columns


class Where(NamedTuple):
    """What a row must hold: a field's value, as it is written in JSON, without the quotes of a text."""

    field: str
    value: str

    @classmethod
    def of(cls, option: str, setting: str) -> "Where":
        """Return what a setting says.  Raises UserError."""
        field, equals, value = setting.partition("=")
        if not equals or not field:
            raise UserError(f"{option} {setting!r}: must be FIELD=VALUE, as in {option} verdict.status=correct")
        return cls(field, value)

    def fits(self, row: Row) -> bool:
        """Return whether a row has the value."""
        return _written(found_at(row, self.field)) in (self.value, self.value.removesuffix(".0"))


def _written(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json_text(value)


class Corpus:
    """Rows of files that fit, read again and again."""

    def __init__(self, option: str, path: str, at: Mapping[str, str], where: Sequence[Where], others: bool, shown: bool) -> None:
        """`at`: where text and group are, but for a run or release.  `others`: the rows that do not fit instead."""
        folder = in_folder(path)
        chains = folder is not None and at["text"] == "text"
        self.path, self.where, self.others = path, tuple(where), others
        self.files = expand(folder or path)
        self.rejects = 0
        self._option, self._shown = option, shown
        self._text = None if chains else at["text"]
        self._group = "problem_id" if chains and at["group"] == "group" else at["group"]
        self._digest: bytes | None = None
        self._seen: dict[str, None] = {}  # values of the first field of `where` …
        self._inside: dict[str, None] = {}  # … and the fields in it
        self._held = 0  # rows that fit

    @property
    def title(self) -> str:
        """Return the name of the rows for a person."""
        wanted = " ".join(f"{one.field}={one.value}" for one in self.where)
        return self.path + (f" {'but' if self.others else ''} where {wanted}".replace("  ", " ") if wanted else "")

    def __call__(self) -> Iterator[list[str]]:
        """Yield the texts in batches.  Raises UserError where there are none, RunError where they are not those of before."""
        digest, batch, characters, first = hashlib.blake2b(), list[str](), 0, self._digest is None
        with bar("read" if first else "again", self.files, self._shown) as reading:
            records = itertools.chain.from_iterable(read_records(path, self._columns(), reading.opened) for path in self.files)
            for text in _together(self._texts(reading.counted(records), first)):
                digest.update(text.encode())
                batch.append(text)
                characters += len(text)
                if len(batch) == MOST_DOCUMENTS or characters >= BATCH_CHARACTERS:
                    yield batch
                    batch, characters = [], 0
        if batch:
            yield batch
        if first and digest.digest() == hashlib.blake2b().digest():
            raise UserError(self._nothing())
        if not first and digest.digest() != self._digest:
            raise RunError(f"{self.path}: has changed while it was read; run the command again")
        self._digest = digest.digest()

    def _columns(self) -> list[str]:
        paths = [*(("reasoning", "response") if self._text is None else (self._text,)), self._group]
        paths += [one.field for one in self.where]
        return [name for path in paths for name in (path, path.partition(".")[0].removesuffix("[]"))]

    def _texts(self, records: Iterable[Record | Reject], first: bool) -> Iterator[tuple[str | None, str]]:
        for record in records:
            if isinstance(record, Reject):
                self._reject(record, first)
            elif self._fits(record.fields):
                try:
                    group, text = text_or_none(record.fields, self._group), self._read(record.fields)
                except FieldError as error:
                    self._reject(record.reject("mine", error.reason, str(error)), first)
                else:
                    yield group, text

    def _fits(self, row: Row) -> bool:
        fits = all(one.fits(row) for one in self.where)
        value = found_at(row, self.where[0].field) if self.where and len(self._seen) < VALUES_SHOWN else None
        if isinstance(value, Mapping):
            self._inside |= {f"{self.where[0].field}.{name[:40]}": None for name in itertools.islice(value, VALUES_SHOWN)}
        elif value is not None:
            self._seen[_written(value)[:40]] = None
        self._held += fits != self.others
        return fits != self.others

    def _read(self, row: Row) -> str:
        if self._text is not None:
            return text_at(row, self._text)
        parts = [row.get(name) or "" for name in ("reasoning", "response")]
        return text_at({"chain": chain_text(*parts)}, "chain")

    def _reject(self, reject: Reject, first: bool) -> None:
        self.rejects += first
        if first and self.rejects <= REJECTS_SAID:
            click.echo(f"starbeam: rejected {reject.source}:{reject.position}: {reject.reason}: {safe(reject.detail)}", err=True)

    def _nothing(self) -> str:
        if not self.where or self._held:
            return f"{self._option} {self.title}: no row has a text; name its field with --field text=PATH"
        field, values, inside = self.where[0].field, ", ".join(self._seen), ", ".join(itertools.islice(self._inside, VALUES_SHOWN))
        said = f"{field} has fields, name one: {inside}" if inside else f"{field} is {values}" if values else f"no row has {field}"
        return f"{self._option} {self.title}: no row fits; {said}"


def _together(texts: Iterable[tuple[str | None, str]]) -> Iterator[str]:
    """Yield texts, those of one group that follow each other as one, since they are no draws of their own."""
    parts, last, characters = list[str](), None, 0
    for group, text in texts:
        if parts and (group is None or group != last or characters >= MOST_CHARACTERS):
            yield "\n".join(parts)
            parts, characters = [], 0
        parts.append(text)
        characters += len(text)
        last = group
    if parts:
        yield "\n".join(parts)


def in_folder(path: str) -> str | None:
    """Return the rows of a run or release, a run's with those that it turned away; None where the path is no such folder."""
    for below in ("annotated", "release/full", "full"):
        folder = storage.join(path, below)
        if any(name.endswith(".parquet") for name in storage.list_names(folder)):
            return storage.join(folder, "*.parquet")
    return None


def summary(mined: Mined, rejects: int) -> Iterator[str]:
    """Yield what was compared, in a few lines."""
    (rows, other_rows), (units, other_units) = mined.documents, mined.units
    words = [f"{some[0]:,} words" + (f", {some[1]:,} characters" if some[1] else "") for some in mined.units]
    if rejects:
        yield f"{rejects:,} rows rejected"
    yield f"{rows:,} documents ({words[0]}) against {other_rows:,} ({words[1]})"
    for place, language in enumerate(("words of letters", "characters of scripts without spaces")):
        if (units[place] == 0) != (other_units[place] == 0):
            yield f"only one side has {language}: patterns of them were not compared"
    if mined.rarest < mined.least:
        yield f"patterns that occur {mined.rarest:,} to {mined.least - 1:,} times are too many to count, and were left out"
    yield (
        f"{mined.tested:,} patterns that occur {mined.least:,} times or more, {mined.significant:,} significant, "
        f"{len(mined.findings):,} that no other one tells"
    )
    if mined.beyond:
        yield f"{mined.beyond:,} significant patterns of smaller z were left out"


def table(findings: Sequence[Finding], title: str, width: int) -> Table:
    """Return findings as a person reads them: examples have the room that is left, patterns fold last."""
    names = ("pattern", "kind", "count (docs)", "against", "log-odds", "z", "p")
    rows = [_row(one) for one in findings]
    taken = sum(max(map(cell_len, cells)) + GAP for cells in zip(names, *rows, strict=True))
    room = min(width - taken - GAP, SHOWN_CHARACTERS)
    shown = Table(title=title, title_justify="left", box=None, padding=(0, GAP, 0, 0))
    for place, name in enumerate(names):
        shown.add_column(name, justify="right" if place > 1 else "left", no_wrap=place > 0)
    if room >= LEAST_CHARACTERS:
        shown.add_column("for example", overflow="ellipsis", no_wrap=True, max_width=room)
    for one, cells in zip(findings, rows, strict=True):
        shown.add_row(*cells, *([_example(one, room)] if room >= LEAST_CHARACTERS else []))
    return shown


def _row(one: Finding) -> tuple[str, ...]:
    return (
        safe(one.pattern),
        one.kind,
        f"{one.count:,} ({one.documents:,})",
        f"{one.count_against:,} ({one.documents_against:,})",
        f"{one.log_odds:+.2f}",
        f"{one.z:+.1f}",
        f"{one.p_adjusted:.0e}",
    )


def _example(one: Finding, room: int) -> str:
    """Return an example, so short that the pattern is seen."""
    found = finder(one.words, opener=False)
    return safe(next((excerpt(text, found, room // 3) or text for text in one.examples), ""))


def lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield findings as JSON lines."""
    for one in findings:
        yield json_text({name: value for name, value in dataclasses.asdict(one).items() if name != "words"}) + "\n"


def markers(label: str, rules: Sequence[Rule]) -> str:
    """Return entries that can be pasted into the tagger's file of a label."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for one in rules:
        entry = {"anywhere": True, "patterns": [one.pattern], "positive": list(one.positive), "negative": list(one.negative)}
        entries.setdefault(one.language, []).append(entry)
    return f"# Mined for {label}: keep what is the behaviour, and mend the patterns.\n{tomli_w.dumps(entries)}"
