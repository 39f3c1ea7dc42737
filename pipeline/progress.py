"""Progress of a local run: workers append to files, one thread shows them as a panel on a terminal and as quiet lines elsewhere.

Beam's local runner has metrics only after the run, and several worker processes share no counter: files serve both.
"""

import contextlib
import dataclasses
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from generators.journal import Spent, Usage
from pipeline.terminal import safe

STAGES = {
    "read": "read problems",
    "sample": "sample",
    "annotate": "verify and tag",
    "dedupe": "find duplicates",
    "select": "select and write",
}
SPENDING, PLANNED = "spending", "planned"  # reports that are of no stage
PANEL_SECONDS = 0.2
LINE_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Reporter:
    """Where a worker reports what it has done; picklable.  Without a folder it reports nowhere."""

    folder: str | None = None

    def add(self, stage: str, partitions: int = 0, rows: int = 0, problems: int = 0) -> None:
        """Count partitions, rows and problems as done.  A report that cannot be written is let go: it must not cost the run."""
        if partitions or rows or problems:
            self._write([stage, partitions, rows, problems])

    def spend(self, usage: Spent, cost: float, in_flight: int) -> None:
        """Tell what paid teachers have cost in all, this run before included, and how many calls are under way."""
        used = [[teacher, role, *counts] for (teacher, role), counts in sorted(usage.items())]
        self._write([SPENDING, used, cost, in_flight])

    def plan(self, problems: int) -> None:
        """Tell how many problems there are to sample."""
        self._write([PLANNED, problems])

    def _write(self, line: list[Any]) -> None:
        if self.folder is None:
            return
        with contextlib.suppress(OSError), open(f"{self.folder}/{os.getpid()}", "a") as file:
            file.write(json.dumps(line) + "\n")


@dataclasses.dataclass(slots=True)
class Stage:
    """What is known of one stage: what is done, and between which moments (seconds of a monotonic clock)."""

    partitions: int = 0
    rows: int = 0
    problems: int = 0
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


class Spending(NamedTuple):
    """What paid teachers have cost, as one process counts it."""

    usage: Spent
    cost: float
    in_flight: int

    def line(self, solved: int, problems: int, budget: float | None) -> str:
        """Return it in words: money so far and, from the share of problems solved, in all; calls; tokens."""
        calls, prompt, completion = (sum(counts) for counts in zip(*self.usage.values(), strict=True)) if self.usage else (0, 0, 0)
        words = [f"{calls:,} calls, {self.in_flight:,} in flight", f"{prompt:,} + {completion:,} tokens"]
        if self.cost:
            words.append(f"cost {self.cost:,.4g}" + (f" of {budget:,.6g}" if budget else ""))
            words += [f"about {self.cost * problems / solved:,.4g} in all"] if solved else []
        return "; ".join(words)

    def by_role(self) -> Iterator[str]:
        """Yield a line for each teacher and role."""
        for (teacher, role), used in sorted(self.usage.items()):
            tokens = f"{used.prompt_tokens:,} + {used.completion_tokens:,} tokens"
            yield f"{safe(teacher)} ({safe(role)}): {used.calls:,} calls, {tokens}"


class Board:
    """Adds up what the workers report and shows it on `console`."""

    def __init__(
        self, console: Console, folder: str, partitions: int, stages: tuple[str, ...], budget: float | None = None
    ) -> None:
        self._console = console
        self._folder = folder
        self._partitions = partitions
        self._budget = budget
        self._spending: Spending | None = None  # locally one process samples
        self._planned = 0
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
            for line in whole.split("\n")[:-1]:
                stage, *counts = json.loads(line)
                if stage == SPENDING:
                    used, cost, in_flight = counts
                    usage = {(teacher, role): Usage(*numbers) for teacher, role, *numbers in used}
                    self._spending = Spending(usage, cost, in_flight)
                elif stage == PLANNED:
                    (self._planned,) = counts
                else:
                    self._count(self.stages[stage], *counts)

    def _count(self, stage: Stage, partitions: int, rows: int, problems: int) -> None:
        now = time.monotonic()
        stage.partitions += partitions
        stage.rows += rows
        stage.problems += problems
        stage.began = self._last if stage.began is None else stage.began
        stage.seen = self._last = now

    def _panel_now(self) -> Group:
        self.poll()
        for name, stage in self.stages.items():
            task = self._tasks[name]
            self._panel.update(task, completed=stage.partitions, rows=stage.rows, rate=stage.rate, seconds=stage.seconds)
        spending = self._spending_line()
        lines = spending.replace("; cost", "\ncost")  # each fits a terminal of 80 columns
        return Group(self._panel, Text(lines)) if spending else Group(self._panel)

    def _spending_line(self) -> str:
        if self._spending is None:
            return ""
        return self._spending.line(self.stages["sample"].problems, self._planned, self._budget)

    def _say(self, name: str) -> None:
        stage = self.stages[name]
        words = [f"{stage.partitions}/{self._partitions} partitions, {stage.rows:,} rows, {stage.seconds:,.0f} s"]
        words += [self._spending_line()] if name == "sample" and self._spending is not None else []
        self._console.print(f"starbeam: {STAGES[name]}: {'; '.join(words)}", highlight=False, soft_wrap=True)

    def run(self) -> None:
        """Show progress until `stop`: a panel on a terminal, else a line when a stage ends and now and then between."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            with Live(self._panel_now(), console=self._console, auto_refresh=False) as live:
                while not self._stop.wait(PANEL_SECONDS):
                    live.update(self._panel_now(), refresh=True)
                live.update(self._panel_now(), refresh=True)
            self._say_roles()
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
        self._say_roles()

    def _say_roles(self) -> None:
        """Say at the end what each teacher was asked for, where there is more than one to tell apart."""
        lines = list(self._spending.by_role()) if self._spending is not None else []
        for line in lines if len(lines) > 1 else []:
            self._console.print(f"starbeam: {line}", highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """End `run` after a last look."""
        self._stop.set()


@contextlib.contextmanager
def board(partitions: int, stages: tuple[str, ...], console: Console, budget: float | None = None) -> Iterator[Reporter]:
    """Show progress on stderr while the block runs; yields where its workers report."""
    with tempfile.TemporaryDirectory(prefix="starbeam-progress-") as folder:
        shown = Board(console, folder, partitions, stages, budget)
        thread = threading.Thread(target=shown.run, daemon=True)
        thread.start()
        try:
            yield Reporter(folder)
        finally:
            shown.stop()
            thread.join()
