"""A large plan that is stopped costs little memory and goes on soon, without asking again."""

import pytest

from benchmarks import memory

pytestmark = pytest.mark.load


def test_a_stopped_plan_of_100_000_stays_small_and_asks_nothing_again() -> None:
    seen = memory.measure(planned=100_000, answered=5_000)
    assert seen.answered >= 5_000
    assert seen.peak_mib < memory.MOST_MIB
    assert seen.asked_again == 0
    assert "interrupted" in seen.said and "same command" in seen.said
