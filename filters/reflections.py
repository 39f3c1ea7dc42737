"""Where a chain turns on itself: tagger `reflection_v0`, a counter of strong marker words that open a clause.

The markers are data, `reflection_v0.toml`.  It sees only words: a check without a marker word is missed, and
nothing is said of effect.
"""

import functools
import re
from collections.abc import Iterator, Sequence

from filters.markers import Marker, markers_of
from schemas.annotation import Reflection

NAME = "reflection_v0"
LANGUAGES = ("en", "zh")

MAX_QUOTE_CHARS = 228  # the 99th percentile of quoted spans in 1,000 MATH-500 outputs; longer ones are unbalanced marks
_PAIRS = (('"', '"'), ("“", "”"), ("「", "」"), ("『", "』"))
_MASKED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]++`|"
    + "|".join(rf"{left}[^{left}{right}\n]{{1,{MAX_QUOTE_CHARS}}}+{right}" for left, right in _PAIRS),
    re.DOTALL,
)
_QUOTES = re.compile('[`"“「『]')
_SENTENCE_END = re.compile(r"[.!?。！？\n]")
_CJK = re.compile("[\u4e00-\u9fff]")

# What may stand between a clause's start and its marker.  The characters that open a clause are never
# among the fillers, so no character is looked at twice.
_OPENINGS = {"en": r"[\n.!?:;,…—–(。！？：；，]", "zh": r"[\n。！？：；，,.!?:;…—（(]"}
_FILLER = r"[^\S\n]*+[\"'”’)*_#>|-]*+[^\S\n]*+"
_CONNECTIVES = {
    "en": r"(?:(?:so|but|and|now|okay|ok|oh|ah|well|then|actually|yes|no|hmm|however|therefore|also|or|yeah|alright"
    r"|right|again),? ){0,2}",
    "zh": r"(?:(?:但是|但|那么|那|所以|不过|可是|现在|好|啊|哦|噢|然后|接下来|于是|因此)[，, ]?){0,2}",
}


def markers() -> tuple[Marker, ...]:
    """Return the markers of `reflection_v0.toml`, in the order of the file."""
    return markers_of(NAME)


def tag(text: str) -> list[Reflection]:
    """Return the reflections of one chain, sorted by start, end and label.  `effect` is None: nobody has measured it.

    Each marker counts once in a sentence.  Code and quotations are passed over.
    """
    plain = _masked(_lowered(text))
    languages = ("en",) if text.isascii() or not _CJK.search(text) else LANGUAGES
    found = sorted(match for language in languages for match in _matches(plain, language))
    kept = _once_per_sentence(plain, found)
    return [Reflection(label, start, end, text[start:end], None, None) for start, end, label in kept]


def reflections(texts: Sequence[str]) -> list[list[Reflection]]:
    """Return the reflections of each text: the column that selection and export read."""
    return [tag(text) for text in texts]


@functools.cache
def _combined(language: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return one pattern for all markers of a language, and the label of each of its groups."""
    chosen = [marker for marker in markers() if marker.language == language]
    alternatives = "|".join(f"({marker.pattern})" for marker in chosen)
    pattern = re.compile(f"{_OPENINGS[language]}{_FILLER}{_CONNECTIVES[language]}(?:{alternatives})")
    return pattern, tuple(marker.label for marker in chosen)


def _matches(plain: str, language: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and label of every marker that opens a clause.  `plain` has an uncounted newline in front."""
    pattern, labels = _combined(language)
    for match in pattern.finditer(plain):
        group = match.lastindex or 0
        yield match.start(group) - 1, match.end(group) - 1, labels[group - 1]


def _lowered(text: str) -> str:
    """Return the text in lower case at the same length, so that offsets hold, with a newline in front."""
    lowered = text.lower()
    if len(lowered) != len(text):  # "İ" becomes two characters
        lowered = "".join(one if len(one := character.lower()) == 1 else character for character in text)
    return "\n" + lowered


def _masked(plain: str) -> str:
    """Return the text with code and quotations of ordinary length blanked out, at the same length."""
    return _MASKED.sub(lambda match: "\0" * len(match[0]), plain) if _QUOTES.search(plain) else plain


def _once_per_sentence(plain: str, found: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Yield the matches without those that repeat the same words and label in one sentence."""
    seen: set[tuple[str, str]] = set()
    previous = 0
    for start, end, label in found:
        if _SENTENCE_END.search(plain, previous, start + 1):
            seen.clear()
        previous = max(previous, start + 1)
        key = (label, plain[start + 1 : end + 1])
        if key not in seen:
            seen.add(key)
            yield start, end, label
