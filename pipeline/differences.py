"""Where two texts differ, word by word, for people to look at."""

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

WORDS = 400  # of each text that are compared: difflib's time grows with their square
CHARACTERS = 8_000  # … of at most so many characters: a text may be one word

# A word with the space behind it: of scripts without spaces one character, else letters and digits, else one sign.
_WORD = re.compile(
    r"(?:[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]|[^\W\u2e80-\u9fff\uac00-\ud7af]++|[^\w])\s*+"
)


class Span(NamedTuple):
    """A piece of a text."""

    text: str
    differs: bool


class Compared(NamedTuple):
    """One of two texts, as far as it was compared."""

    spans: list[Span]
    left: int  # characters behind the last span


def differences(one: str, other: str) -> tuple[Compared, Compared]:
    """Return both texts in pieces, by whether the other has them; white space counts for nothing."""
    texts = (one, other)
    words = tuple(_WORD.findall(text[:CHARACTERS])[:WORDS] for text in texts)
    plain = [[word.rstrip() for word in of_text] for of_text in words]
    blocks = difflib.SequenceMatcher(None, plain[0], plain[1], autojunk=False).get_matching_blocks()
    starts = ([block.a for block in blocks], [block.b for block in blocks])
    sizes = [block.size for block in blocks]
    found = [_spans(of_text, zip(at, sizes, strict=True)) for of_text, at in zip(words, starts, strict=True)]
    lefts = [len(text) - sum(len(span.text) for span in spans) for text, spans in zip(texts, found, strict=True)]
    return Compared(found[0], lefts[0]), Compared(found[1], lefts[1])


def _spans(words: list[str], same: Iterable[tuple[int, int]]) -> list[Span]:
    """Return words as spans, given the place and size of each run that both texts have."""
    spans, done = [], 0
    for start, size in same:
        theirs, ours = "".join(words[done:start]), "".join(words[start : start + size])
        marked = theirs.rstrip()
        spans += [Span(marked, True), Span(theirs[len(marked) :] + ours, False)]
        done = start + size
    return [span for span in spans if span.text]
