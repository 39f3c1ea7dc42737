"""How a chain goes at its problem, as far as its words show: tagger `approach_v1`.

The labels are the usual names of ways to solve problems (Pólya, How to Solve It, 1945); the words are data, `approach_v1.toml`.
It sees only words: a way without its words is missed, and one that is named but not gone is found.
"""

import functools
import re
from collections.abc import Sequence

from filters.markers import Marker, markers_of

NAME = "approach_v1"

LANGUAGES = ("en", "zh")

_HAN = re.compile("[\u4e00-\u9fff]")
_OPENINGS = {"en": r"(?<!\w)(?=[a-z])", "zh": ""}  # tried where a word starts; \b alone takes twice the time (measured)


def markers() -> tuple[Marker, ...]:
    """Return the markers of `approach_v1.toml`, in the order of the file."""
    return markers_of(NAME)


def tag(text: str) -> tuple[str, ...]:
    """Return the approaches that the words of one chain show, sorted; () where none shows.  Words tell of one approach."""
    lowered = text.lower()
    languages = LANGUAGES if _HAN.search(text) else ("en",)
    found = set()
    for pattern, labels in map(_combined, languages):
        found |= {labels[(match.lastindex or 0) - 1] for match in pattern.finditer(lowered)}
    return tuple(sorted(found))


def approaches(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the approaches of each text."""
    return [tag(text) for text in texts]


@functools.cache
def _combined(language: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return one pattern for all markers of a language, and the label of each of its groups."""
    chosen = [marker for marker in markers() if marker.language == language]
    alternatives = "|".join(f"({marker.pattern})" for marker in chosen)
    return re.compile(f"{_OPENINGS[language]}(?:{alternatives})"), tuple(marker.label for marker in chosen)
