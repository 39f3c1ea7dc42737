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
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

STAGES = {
    "read": "read problems",
    "sample": "sample",
    "annotate": "verify and tag",
    "dedupe": "find duplicates",
    "select": "select and write",
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


@dataclasses.dataclass(slots=True)
class Stage:
    """What is known of one stage: what is done, and between which moments (seconds of a monotonic clock)."""

    partitions: int = 0
    rows: int = 0
    began: float | None = None  # the last report of another stage, or the board's start
    seen: float = 0.0  # the last report of this one

    @property
    def seconds(self) -> float:
        """Return how long it has worked, up to its last report."""
        return 0.0 if self.began is None else max(self.seen - self.began, PANEL_SECONDS)

    @property
    def rate(self) -> str:
        """Return rows a second, empty before the first report."""
        return f"{self.rows / self.seconds:,.0f}/s" if self.seconds else ""


class Board:
    """Adds up what the workers report and shows it on `console`."""

    def __init__(self, console: Console, folder: str, partitions: int, stages: tuple[str, ...]) -> None:
        self._console = console
        self._folder = folder
        self._partitions = partitions
        self.stages = {name: Stage() for name in stages}
        self._offsets: dict[str, int] = {}
        self._last = time.monotonic()
        self._stop = threading.Event()
        self._panel = Progress(
            TextColumn("{task.description:<16}"),
            BarColumn(bar_width=12),  # with this, all fits a terminal of 80 columns
            MofNCompleteColumn(),
            TextColumn("{task.fields[rows]:>10,} rows {task.fields[rate]:>10} {task.fields[seconds]:>6,.0f} s"),
            console=console,
        )
        self._tasks = {name: self._panel.add_task(STAGES[name], total=partitions, rows=0, rate="", seconds=0.0) for name in stages}

    def poll(self) -> None:
        """Read what has been reported since the last call.  A line that is still being written waits for the next."""
        for name in os.listdir(self._folder):
            with open(f"{self._folder}/{name}") as file:
                file.seek(self._offsets.get(name, 0))
                text = file.read()
            whole = text[: text.rfind("\n") + 1]
            self._offsets[name] = self._offsets.get(name, 0) + len(whole)
            for line in whole.splitlines():
                stage, partitions, rows = line.split("\t")
                self._count(self.stages[stage], int(partitions), int(rows))

    def _count(self, stage: Stage, partitions: int, rows: int) -> None:
        now = time.monotonic()
        stage.partitions += partitions
        stage.rows += rows
        stage.began = self._last if stage.began is None else stage.began
        stage.seen = self._last = now

    def _show_panel(self) -> None:
        self.poll()
        for name, stage in self.stages.items():
            task = self._tasks[name]
            self._panel.update(task, completed=stage.partitions, rows=stage.rows, rate=stage.rate, seconds=stage.seconds)

    def _say(self, name: str) -> None:
        stage = self.stages[name]
        counted = f"{stage.partitions}/{self._partitions} partitions, {stage.rows:,} rows"
        self._console.print(f"starbeam: {STAGES[name]}: {counted}, {stage.seconds:,.0f} s", highlight=False)

    def run(self) -> None:
        """Show progress until `stop`: a panel on a terminal, else a line when a stage ends and now and then between."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            with self._panel:
                while not self._stop.wait(PANEL_SECONDS):
                    self._show_panel()
                self._show_panel()
            return
        said: set[str] = set()
        spoke = time.monotonic()
        running = True
        while running:
            running = not self._stop.wait(PANEL_SECONDS)
            self.poll()
            ended = [name for name, stage in self.stages.items() if stage.partitions >= self._partitions and name not in said]
            late = time.monotonic() - spoke >= LINE_SECONDS
            begun = [name for name, stage in self.stages.items() if stage.began is not None and name not in said]
            for name in ended or (begun[-1:] if late else []):
                self._say(name)
                spoke = time.monotonic()
            said.update(ended)

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
