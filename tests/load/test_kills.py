"""A run that is killed goes on where it was: nothing is lost, and no more is paid twice than was in flight."""

import subprocess
import sys

import pytest

from tests.pipeline.recipes_for_tests import ROOT

pytestmark = pytest.mark.load


def test_a_killed_run_loses_nothing_and_pays_twice_only_what_was_in_flight() -> None:
    # A process of its own: it forks, and this one may have threads.
    command = [sys.executable, "-m", "benchmarks.kills", "--kills", "5", "--calls", "1000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("5 kills") and " 0 with calls in flight" not in done.stdout
