"""What a chain says again: sentences that all but repeat an earlier one, and reflections that add no new expression."""

import itertools
import re
from collections.abc import Sequence

from schemas.annotation import Reflection

MIN_WORDS = 4  # our rule: "That is right." says nothing again; two Chinese characters count as a word

MAX_OPENERS = 4  # "But wait, no, actually"

_STOPS = ("! ", "? ", "\n", "。", "！", "？")
_OPENERS = frozenset(
    "so but and now then wait hmm okay ok well actually therefore thus hence yes no again indeed alternatively".split()
)
_CHINESE_OPENERS = ("等等", "所以", "因此", "那么", "但是", "然后")
_MARKS = " .,;:!?*_#()\\\"'，；：、$[]"

# A number with the sign before it, or a sign with what is behind it: "3 * 4 = x" is "3", "* 4" and "= x".
_EXPRESSION = re.compile(r"(?:[-+*/^=<>×÷]\s?)?[0-9]++(?:\.[0-9]++)?|[-+*/^=<>×÷]\s?[A-Za-z({\\]\w*+")


def loops(chain: str) -> float:
    """Return the share of the sentences that say an earlier one again, 0 where there is none.

    Words and numbers must be the same; case, punctuation and words that open a sentence do not count.  Time is linear.
    """
    seen: set[str] = set()
    counted = repeated = 0
    text = chain.lower()
    for stop in _STOPS:
        text = text.replace(stop, ". ")
    spaced = text.isascii()
    for sentence in text.split(". "):
        if spaced and sentence.count(" ") < MIN_WORDS - 1:
            continue
        said = _said(sentence, spaced)
        if said.count(" ") >= MIN_WORDS - 1 or (not spaced and len(said) >= 2 * MIN_WORDS and not said.isascii()):
            counted += 1
            repeated += said in seen
            seen.add(said)
    return repeated / counted if counted else 0.0


def _said(sentence: str, spaced: bool) -> str:
    """Return a sentence without the words that open it, a few at most: one that is nothing else takes no more time."""
    said = sentence.strip(_MARKS)
    for _ in range(MAX_OPENERS):
        opener, _, rest = said.partition(" ")
        if opener.strip(_MARKS) in _OPENERS:
            said = rest.strip(_MARKS)
        elif not spaced and said.startswith(_CHINESE_OPENERS):
            said = said[2:].strip(_MARKS)
        else:
            break
    return said


def superficial(chain: str, reflections: Sequence[Reflection], question: str) -> int:
    """Return how many reflections add no expression that is not in the question or the chain before them.

    A reflection goes on to the next one; those that follow each other with nothing between are one.  They come in their order.
    """
    if not reflections:
        return 0
    seen = _expressions(question)
    at = count = 0
    turns = _turns(chain, reflections)
    for (start, rows), (end, _) in itertools.pairwise([*turns, (len(chain), 0)]):
        seen |= _expressions(chain[at:start])
        added = _expressions(chain[start:end])
        count += rows * (added <= seen)
        seen |= added
        at = end
    return count


def _turns(chain: str, reflections: Sequence[Reflection]) -> list[tuple[int, int]]:
    """Return where a reflection begins that does not directly follow another, each with how many it is one with."""
    turns: list[tuple[int, int]] = []
    end = -1
    for one in reflections:
        if turns and not chain[end : one.start].strip(_MARKS + "\n"):
            turns[-1] = (turns[-1][0], turns[-1][1] + 1)
        else:
            turns.append((one.start, 1))
        end = max(end, one.end)
    return turns


def _expressions(text: str) -> set[str]:
    """Return the numbers and operations of a text."""
    return set(_EXPRESSION.findall(text))
