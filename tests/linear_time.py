"""What a call costs in CPU time, and that it is linear in the length of a text, measured no more often than the answer needs."""

import gc
import time
from collections.abc import Callable


def assert_linear(run: Callable[[str], object], small: str, large: str, times: float = 30, least: float = 0.01) -> None:
    """Fail where ten times the text takes more than `times` as long; a quadratic step would take a hundred times.

    Each text takes the less of two measurements; a short one counts as `least` seconds: below, a busy machine's noise counts.
    """
    longest = times * least
    first = seconds(lambda: run(large))
    if first <= longest:  # whatever the short text takes
        return
    longest = times * max(min(seconds(lambda: run(small)) for _ in range(2)), least)
    assert first <= longest or seconds(lambda: run(large)) <= longest, f"{first:.3f} s, over {longest:.3f} s"


def seconds(run: Callable[[], object]) -> float:
    """Return the CPU seconds that one call takes this thread, without the collector: it looks at all that the process holds."""
    gc.disable()
    try:
        started = time.thread_time()
        run()
        return time.thread_time() - started
    finally:
        gc.enable()
