"""That time is linear in the length of a text, measured no more often than the answer needs."""

import gc
import time
from collections.abc import Callable


def assert_linear(run: Callable[[str], object], small: str, large: str, times: float = 30, least: float = 0.01) -> None:
    """Fail where ten times the text takes more than `times` as long; a quadratic step would take a hundred times.

    Each text takes the less of two measurements; a short one counts as `least` seconds: below, a busy machine's noise counts.
    """
    longest = times * least
    first = _seconds(run, large)
    if first <= longest:  # whatever the short text takes
        return
    longest = times * max(min(_seconds(run, small) for _ in range(2)), least)
    assert first <= longest or _seconds(run, large) <= longest, f"{first:.3f} s, over {longest:.3f} s"


def _seconds(run: Callable[[str], object], text: str) -> float:
    gc.disable()  # a collection looks at all that the process holds, whatever is measured
    try:
        started = time.thread_time()
        run(text)
        return time.thread_time() - started
    finally:
        gc.enable()
