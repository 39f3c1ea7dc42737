"""A pattern as a regular expression, where it stands in a text, and as an entry of the tagger's data files."""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from filters.patterns import FORMULA, FORMULA_PATTERN, NUMBER, NUMBER_PATTERN

MARGIN = 80  # characters of a sentence before and behind a pattern that are kept

_CLASSES = {NUMBER: NUMBER_PATTERN, FORMULA: f"(?:{FORMULA_PATTERN})"}
_BETWEEN = {True: r"[^\w\n]{1,8}", False: r"[^\w\n]{0,4}"}  # words of letters; characters
_PLAIN = {True: " ", False: ""}
_SENTENCE_START = r"(?:^|(?<=[\n!?。！？…])|(?<=\.[ \n]))[^\w\n]{0,8}"
_SENTENCE_END = re.compile(r"[\n!?。！？…]|\.(?=\s|$)")
NEGATIVES = 3  # of an entry, those first that share most with it


class Rule(NamedTuple):
    """A regular expression over lower-cased text, with texts where it must match and texts where it must not."""

    language: str
    pattern: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


def expression(words: Sequence[str], plain: bool = False) -> str:
    """Return the regular expression of a pattern, without * and +, so that time stays linear.

    `plain`: a space between words of letters and nothing between other ones; else anything but words may stand there.
    """
    parts = [_CLASSES.get(word) or re.escape(word).replace("'", "['’]") for word in words]
    spaced = [_is_spaced(one) or _is_spaced(other) for one, other in itertools.pairwise(words)]
    joints = [(_PLAIN if plain else _BETWEEN)[one] for one in spaced]
    body = "".join(part for pair in zip(parts, [*joints, ""], strict=True) for part in pair)
    return ("\\b" if _is_spaced(words[0]) else "") + body + ("\\b" if _is_spaced(words[-1]) else "")


def _is_spaced(word: str) -> bool:
    """Return whether a word is written between spaces; characters of other scripts, numbers and formulas need none."""
    return word not in _CLASSES and (len(word) > 1 or word.isascii())


def finder(words: Sequence[str], opener: bool) -> re.Pattern[str]:
    """Return what finds a pattern in lower-cased text, as the group `words`."""
    return re.compile(f"{_SENTENCE_START if opener else ''}(?P<words>{expression(words)})", re.MULTILINE)


def excerpt(text: str, found: re.Pattern[str], margin: int = MARGIN) -> str | None:
    """Return the sentence in which a pattern stands, cut where it is long; None where it does not."""
    lowered = text.lower()
    match = found.search(lowered)
    if match is None:
        return None
    text = text if len(lowered) == len(text) else lowered
    start, end = match.span("words")
    before, behind = text[max(start - margin, 0) : start], text[end : end + margin]
    first = max((one.end() for one in _SENTENCE_END.finditer(before)), default=None)
    last = _SENTENCE_END.search(behind)
    if first is None:
        before = before if start <= margin else f"…{before[before.find(' ') + 1 :]}"
    if last is None:
        behind = behind if end + margin >= len(text) else f"{behind[: behind.rfind(' ') + 1 or None]}…"
    return " ".join(f"{before[first:]}{text[start:end]}{behind[: last and last.end()]}".split())


def rule(language: str, words: Sequence[str], positive: Sequence[str], negative: Sequence[str]) -> Rule:
    """Return the entry of a pattern: with plain words where all its examples have them so."""
    plain = expression(words, plain=True)
    simple = all(re.search(plain, text.lower()) for text in positive)
    pattern = plain if simple else expression(words)
    others = [text for text in negative if not re.search(pattern, text.lower())]
    return Rule(language, pattern, tuple(positive), tuple(others[:NEGATIVES]))
