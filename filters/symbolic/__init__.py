r"""Symbolic comparison, the slow last layer: math-verify in a helper process that can be killed, held by a numeric check.

"equal" is said only where math-verify says so and the values agree at random points to 50 digits; "different" only where these
differ clearly between objects of one kind, wholly read.  All else is "unknown", and so is what takes too long or is not installed.
"""

import functools
import re
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from filters.children import ChildFailed, ChildSpec, pool_of
from filters.symbolic.limits import refused
from filters.symbolic.notation import written_out
from filters.symbolic.tokens import Unreadable

HELPER = ChildSpec(
    command=(sys.executable, "-s", "-P", "-B", str(Path(__file__).with_name("child.py"))),
    environment=(("PYTHONHASHSEED", "0"),),  # the order of sets must not decide what simplifies
    wall_seconds=2.0,  # no text may take longer; the helper gives up by itself after 0.8 s of its CPU time
    requests=2000,  # math-verify grows by about 24 KB a distinct pair: 50 MB
    reply_bytes=4096,
)
_DEGREES = re.compile(r"\\circ|°")


class Outcome(NamedTuple):
    """How an answer relates to the gold.  `reason` is a short code; of "unknown", what stood in the way."""

    relation: Literal["equal", "different", "unknown"]
    reason: str


def compare(gold: str, answer: str) -> Outcome:
    r"""Compare two answers, each one formula in LaTeX or plain text without its box.  Never raises on any text.

    "unknown" has the reason: a limit of `limits`, a refusal of `tokens` or `notation`; "unparsed", "unconfirmed" or why the values
    say nothing; "cpu_limit", "memory_limit", "recursion", "timeout", "died" of the helper; "symbolic_unavailable" where it has no
    math-verify.
    """
    try:
        return _compared(gold, answer)
    except ChildFailed as error:  # not remembered: it may be the machine's fault
        return Outcome("unknown", error.reason)
    except RecursionError:  # the caller's own stack left no room
        return Outcome("unknown", "recursion")


@functools.lru_cache(maxsize=1024)  # samples of a problem share answers; 8 MB at most
def _compared(gold: str, answer: str) -> Outcome:
    texts: list[str] = []
    for text in (gold, answer):
        limit = refused(text)
        if limit is not None:
            return Outcome("unknown", limit)
        try:
            texts.append(written_out(text))
        except Unreadable as error:
            return Outcome("unknown", error.reason)
    decimal = "." in gold or "." in answer
    reply = pool_of(HELPER).ask({"gold": texts[0], "answer": texts[1], "decimal": decimal})
    relation = reply.get("relation")
    if relation not in ("equal", "different", "unknown"):
        raise ChildFailed("no_json", f"the relation is {relation!r}")
    if relation == "different" and (_DEGREES.search(gold) is None) != (_DEGREES.search(answer) is None):
        return Outcome("unknown", "degrees")  # whether a missing degree sign counts is for others to say
    return Outcome(relation, str(reply.get("reason")))
