"""Progress of a local run: workers append to files, one thread shows them as a panel on a terminal and as quiet lines elsewhere.

Beam's local runner has metrics only after the run, and several worker processes share no counter: files serve both.
"""

import contextlib
import dataclasses
import os
import tempfile
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

STAGES = {
    "read": "read problems",
    "sample": "sample",
    "annotate": "verify, tag, fingerprint",
    "dedupe": "find duplicates",
    "select": "select, write shards",
}
PANEL_SECONDS = 0.2
LINE_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Reporter:
    """Where a worker reports what it has done; picklable.  Without a folder it reports nowhere."""

    folder: str | None = None

    def add(self, stage: str, partitions: int = 0, rows: int = 0) -> None:
        """Count partitions and rows as done.  A report that cannot be written is let go: it must not cost the run."""
        if self.folder is None or not (partitions or rows):
            return
        with contextlib.suppress(OSError), open(f"{self.folder}/{os.getpid()}", "a") as file:
            file.write(f"{stage}\t{partitions}\t{rows}\n")


class _Rate(ProgressColumn):
    """Rows and rows a second."""

    def render(self, task: Task) -> Text:
        rows: int = task.fields["rows"]
        elapsed = task.elapsed or 0.0
        rate = f"{rows / elapsed:,.0f}/s" if elapsed else ""
        return Text(f"{rows:>9,} rows {rate:>10}")


class Board:
    """Adds up what the workers report and shows it on `console`."""

    def __init__(self, console: Console, folder: str, partitions: int, stages: tuple[str, ...]) -> None:
        self._console = console
        self._folder = folder
        self._partitions = partitions
        self._done = dict.fromkeys(stages, (0, 0))
        self._offsets: dict[str, int] = {}
        self._began: dict[str, float] = {}
        self._stop = threading.Event()
        self._panel = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("partitions"),
            _Rate(),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks = {stage: self._panel.add_task(STAGES[stage], total=partitions, start=False, rows=0) for stage in stages}

    def _poll(self) -> None:
        for name in os.listdir(self._folder):
            with open(f"{self._folder}/{name}") as file:
                file.seek(self._offsets.get(name, 0))
                text = file.read()
            whole = text[: text.rfind("\n") + 1]
            self._offsets[name] = self._offsets.get(name, 0) + len(whole)
            for line in whole.splitlines():
                stage, partitions, rows = line.split("\t")
                done = self._done[stage]
                self._done[stage] = (done[0] + int(partitions), done[1] + int(rows))
                self._began.setdefault(stage, time.monotonic())

    def _show_panel(self) -> None:
        for stage, (partitions, rows) in self._done.items():
            if stage in self._began:
                task = self._tasks[stage]
                if not self._panel.tasks[task].started:
                    self._panel.start_task(task)
                self._panel.update(task, completed=partitions, rows=rows)

    def _line(self, stage: str) -> str:
        partitions, rows = self._done[stage]
        return f"starbeam: {STAGES[stage]}: {partitions}/{self._partitions} partitions, {rows:,} rows"

    def run(self) -> None:
        """Show progress until `stop`."""
        if self._console.is_terminal:
            with self._panel:
                while not self._stop.wait(PANEL_SECONDS):
                    self._poll()
                    self._show_panel()
                self._poll()
                self._show_panel()
            return
        last = time.monotonic()
        said: set[str] = set()
        while not self._stop.wait(PANEL_SECONDS):
            self._poll()
            finished = [s for s, (partitions, _) in self._done.items() if partitions >= self._partitions and s not in said]
            late = time.monotonic() - last >= LINE_SECONDS
            for stage in finished or ([s for s in self._began if s not in said][-1:] if late else []):
                self._console.print(self._line(stage), highlight=False)
                last = time.monotonic()
            said.update(finished)
        self._poll()
        for stage, (partitions, _) in self._done.items():
            if stage not in said and partitions >= self._partitions:
                self._console.print(self._line(stage), highlight=False)

    def stop(self) -> None:
        """End `run` after a last look."""
        self._stop.set()


@contextlib.contextmanager
def board(partitions: int, stages: tuple[str, ...], console: Console) -> Iterator[Reporter]:
    """Show progress on stderr while the block runs; yields where its workers report."""
    with tempfile.TemporaryDirectory(prefix="starbeam-progress-") as folder:
        shown = Board(console, folder, partitions, stages)
        thread = threading.Thread(target=shown.run, daemon=True)
        thread.start()
        try:
            yield Reporter(folder)
        finally:
            shown.stop()
            thread.join()
