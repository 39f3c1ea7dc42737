"""How far the reading of files has come: a bar on a terminal, nothing elsewhere."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, TypeVar

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline import storage
from pipeline.terminal import console_of

T = TypeVar("T")

LOOK_SECONDS = 0.1


class Reading:
    """Follows files that are read one after another, by how far each has been read."""

    def __init__(self, sizes: Sequence[int | None], progress: Progress | None = None) -> None:
        self._sizes = [size or 0 for size in sizes]  # bytes
        self._progress = progress
        self._total = None if None in sizes else sum(self._sizes)
        self._task = None if progress is None else progress.add_task("", total=self._total, rows=0)
        self._files: list[IO[bytes]] = []
        self._rows = 0

    def opened(self, file: IO[bytes]) -> None:
        """Follow another file; those before have been read."""
        self._files.append(file)

    def counted(self, records: Iterable[T]) -> Iterator[T]:
        """Yield records, and show now and then how far they are."""
        looked = time.monotonic()
        for record in records:
            self._rows += 1
            if self._progress is not None and time.monotonic() - looked > LOOK_SECONDS:
                self._show(sum(self._sizes[: len(self._files) - 1]) + self._files[-1].tell())
                looked = time.monotonic()
            yield record
        self._show(self._total)

    def _show(self, position: int | None) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=position, rows=self._rows)


@contextlib.contextmanager
def bar(what: str, paths: Sequence[str], shown: bool) -> Iterator[Reading]:
    """Show how far the reading of some files has come while the block runs, where it is to be shown."""
    if not shown:
        yield Reading([])
        return
    sizes = [store.size(inner) for store, inner in map(storage.filesystem, paths)]  # None where a store does not say it
    columns = (TextColumn(f"{what:<8}"), BarColumn(bar_width=20), DownloadColumn(), TimeRemainingColumn())
    rows = TextColumn("{task.fields[rows]:>10,} rows")
    # stdout is left alone: rows may be written to it.
    with Progress(*columns, rows, console=console_of(stderr=True), redirect_stdout=False) as progress:
        yield Reading(sizes, progress)
