r"""The helper process of the symbolic comparison: reads a pair a line, compares it in the main thread, writes what it found.

Run by its path.  It bounds itself: address space, CPU time a pair, no files written.  Text becomes mathematics only by
latex2sympy2's grammar; the algebra system's own reader of strings, which evaluates Python, is taken out.
"""

import functools
import json
import logging
import os
import re
import resource
import signal
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = 1 << 30  # of address space: inputs made to be hard took several hundred MB when measured
CPU_SECONDS = 0.8  # for a pair; the longest of the project's own test set takes a quarter of it
KILL_CPU_SECONDS = 1.6  # where it does not heed the first, within one long operation; tidying up took 0.5 s at most when measured
PARSED = 512  # golds and answers that stay parsed: one entry is some KB


class OutOfTime(BaseException):
    """The pair took too much CPU time.  Not an Exception: libraries swallow these."""


def _out_of_time(signum: int, frame: object) -> None:
    raise OutOfTime


def _whole_number(code: str, *_: object) -> Any:
    """Stand in for the algebra system's evaluation of Python code: digits become a number, all else is refused."""
    import sympy

    match = re.fullmatch(r"Integer \(([0-9]{1,600}) ?\)", code) if isinstance(code, str) else None
    if match is None:
        raise ValueError("text is never evaluated")
    return sympy.Integer(int(match[1]))


class Comparison:
    """math-verify, loaded."""

    def __init__(self) -> None:
        import sympy
        import sympy.physics.units  # simplify() imports it late, and its import reads strings
        from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy
        from math_verify import verify
        from sympy.parsing import sympy_parser

        from filters.symbolic.agreement import Comparer

        sympy_parser.eval_expr = _whole_number
        config = ConversionConfig(lowercase_symbols=False)
        self._sympy, self._verify, self._comparer = sympy, verify, Comparer
        self._read = functools.lru_cache(PARSED)(
            lambda text: latex2sympy(text, is_real=True, normalization_config=None, conversion_config=config)
        )

    def parsed(self, text: str) -> Any:
        """Return the object, or None where the parser fails: it raises whatever its parts raise."""
        try:
            return self._read(text)
        except (OutOfTime, MemoryError, RecursionError):
            raise
        except Exception:  # antlr's own errors are bare Exceptions; sympy's are of any kind
            return None

    def compared(self, gold_text: str, answer_text: str, decimal: bool) -> tuple[str, str]:
        """Return the relation and the reason."""
        self._sympy.core.random.seed(0)
        gold, answer = self.parsed(gold_text), self.parsed(answer_text)
        if gold is None or answer is None:
            return "unknown", "unparsed"
        found = self._comparer(f"{gold_text}\n{answer_text}", decimal).compare(gold, answer)
        if found.relation == "different":
            return "different", "values_differ"
        if found.relation == "unclear" and (gold != answer or found.reason == "undefined"):
            return "unknown", found.reason
        if self._confirmed(gold, answer):
            return "equal", "equal"
        return "unknown", "unconfirmed"

    def _confirmed(self, gold: Any, answer: Any) -> bool:
        """Say whether math-verify calls the two equal, in either direction: relations it takes on the gold's side alone."""
        options = {"numeric_precision": 50, "timeout_seconds": None}
        return any(self._verify(*pair, **options) for pair in ((gold, answer), (answer, gold)))


def main() -> None:
    """Serve until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    sys.setrecursionlimit(10_000)
    sys.path.append(str(Path(__file__).parents[2]))
    logging.disable()
    try:
        comparison: Comparison | None = Comparison()
    except ImportError:
        comparison = None
    signal.signal(signal.SIGVTALRM, _out_of_time)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # a parent's ignoring or blocking of signals is inherited
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGVTALRM, signal.SIGPROF))
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no reply
    print(json.dumps({"ready": True}), file=output, flush=True)
    for line in sys.stdin.buffer:
        request = json.loads(line)
        reply = {**_answered(comparison, request), "request_id": request["request_id"]}
        print(json.dumps(reply), file=output, flush=True)
        if reply.get("last"):
            return


def _answered(comparison: Comparison | None, request: dict[str, Any]) -> dict[str, Any]:
    if comparison is None:
        return {"relation": "unknown", "reason": "symbolic_unavailable"}
    try:
        try:
            _arm()
            relation, reason = comparison.compared(request["gold"], request["answer"], request["decimal"])
        finally:
            _disarm()
        return {"relation": relation, "reason": reason}
    except OutOfTime:
        _disarm()  # a second one may have broken off the first attempt
        reason = "cpu_limit"
    except RecursionError:
        reason = "recursion"
    except MemoryError:
        reason = "memory_limit"
    return {"relation": "unknown", "reason": reason, "last": True}  # what was broken off may have left anything behind


def _arm() -> None:
    signal.setitimer(signal.ITIMER_PROF, KILL_CPU_SECONDS)  # SIGPROF is not handled: it kills
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS, 0.1)  # again and again: a callback of the collector may swallow one


def _disarm() -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
