"""What a large plan costs: a million requests planned, ten thousand answered, then stopped, then gone on with.

    .venv/bin/python -m benchmarks.memory [--planned 1000000] [--answered 10000]

Printed and checked: the command's peak memory stays under 1 GiB; it ends by SIGTERM with one line and nothing in flight lost;
and the same command sends its first new call, as the server sees it, within 10 seconds of its start, imports included.
Exits 1 where a check failed.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.sampling import IN_FLIGHT, MODEL, RECIPE, ROOT, questions_of, write_problems
from tests.teacher_server import TeacherServer, teacher_server

MOST_MIB = 1024
MOST_SECONDS = 10.0
PROBLEMS_PER_PARTITION = 15_625  # 64 partitions for a million, as the design advises


class Measured(NamedTuple):
    """What one planned run showed."""

    answered: int
    peak_mib: float  # of the larger of both processes
    started: float  # seconds from the resuming command to its first new call
    asked_again: int  # calls answered before that came again
    said: str  # the last line of the stopped command


class _Watched:
    """A command that runs, and its peak memory: the kernel's high-water mark, which begins anew with each program."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.peak_mib = 0.0
        self.began = time.monotonic()
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=file)
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while self.process.poll() is None:
            try:
                status = Path(f"/proc/{self.process.pid}/status").read_text()
            except OSError:
                return
            marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
            self.peak_mib = max([self.peak_mib, *(int(mark) / 1024 for mark in marks)])
            time.sleep(0.1)

    def stop(self) -> str:
        """Send SIGTERM and return the last line that the command said."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)
        self._thread.join()
        return (self.log.read_text().splitlines() or [""])[-1]

    def until_given(self, server: TeacherServer, given: int) -> None:
        """Wait until the server has given so many answers.  Ends the process where the command ends before."""
        while server.stats()["given"] < given:
            if self.process.poll() is not None:
                raise SystemExit(f"the command ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)


def measure(planned: int, answered: int) -> Measured:
    """Run, stop and go on."""
    with tempfile.TemporaryDirectory() as name, teacher_server(latency=0.05) as server:
        folder = Path(name)
        write_problems(folder / "in.jsonl", questions_of(planned))
        text = RECIPE.format(
            path=json.dumps(str(folder / "in.jsonl")), url=json.dumps(server.url), model=MODEL, in_flight=IN_FLIGHT
        )
        partitions = max(4, planned // PROBLEMS_PER_PARTITION)
        (folder / "recipe.toml").write_text(text.replace("partitions = 16", f"partitions = {partitions}"))
        command = [
            str(Path(sys.executable).with_name("starbeam")),
            "sample",
            str(folder / "recipe.toml"),
            "--out",
            str(folder / "run"),
        ]
        first = _Watched(command, folder / "first.log")
        first.until_given(server, answered)
        said = first.stop()
        before = server.stats(detail=True)["answered"]
        server.set(reset=True)
        second = _Watched(command, folder / "second.log")
        second.until_given(server, 1)
        second.stop()
        after = server.stats(detail=True)
    again = sum(one in before for one in after["came"])
    return Measured(len(before), max(first.peak_mib, second.peak_mib), after["first"] - second.began, again, said)


def main() -> int:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--planned", type=int, default=1_000_000)
    parser.add_argument("--answered", type=int, default=10_000)
    given = parser.parse_args()
    seen = measure(given.planned, given.answered)
    print(
        f"{given.planned:,} planned, {seen.answered:,} answered: peak {seen.peak_mib:,.0f} MiB (at most {MOST_MIB:,}); "
        f"first new call {seen.started:.1f} s after the command (at most {MOST_SECONDS:g}); {seen.asked_again} asked again"
    )
    print(f"stopped with: {seen.said}")
    return int(seen.peak_mib > MOST_MIB or seen.started > MOST_SECONDS or seen.asked_again > 0)


if __name__ == "__main__":
    sys.exit(main())
