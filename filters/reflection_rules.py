"""The rules of `reflection_v1`: data files, one a label, each rule with the examples that hold it to its meaning.

`reflection_v1/<label>.toml` has entries `[[en]]` and `[[zh]]`:

    patterns  regular expressions over lower-cased text; `<name>` stands for an entry of vocabulary.toml; groups do not capture
    anywhere  true: at any place of the sentence; left out, only where a clause opens, connectives and fillers before it
    signal    the name of what shows, where the pattern is no marker but a shape of the sentence
    positive  texts that must be tagged by this rule, negative ones that must not be

`guards.toml` has what looks like a reflection and is none: `words` are hidden from the rules, of a `sentence` what follows them
too, and a `line` that begins so is not looked at.
"""

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from filters.pattern_words import prefixes, required_words, spelled_out
from schemas.annotation import LABELS, Label

LANGUAGES = ("en", "zh")
FOLDER = "reflection_v1"

_WORD_START = {"en": r"(?<![\w'])", "zh": ""}
MAX_CONNECTIVES = 3  # words such as "so", "but wait" before what opens a clause


class Pattern(NamedTuple):
    """One pattern of a rule."""

    source: str  # its regular expression, compiled when it is first tried
    words: tuple[frozenset[str], ...]  # of each of which a sentence holds one, at most SLOTS
    prefixes: frozenset[str]  # what it may begin with


class Rule(NamedTuple):
    """One way in which a label shows."""

    label: Label
    language: str
    written: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    anywhere: bool
    signal: str | None
    positive: tuple[str, ...]
    negative: tuple[str, ...]


class Guard(NamedTuple):
    """One thing that looks like a reflection and is none."""

    family: str
    scope: Literal["words", "sentence", "line"]
    language: str
    patterns: tuple[Pattern, ...]
    hides: tuple[str, ...]  # texts without a label because of it
    keeps: tuple[str, ...]  # texts with one nevertheless


@functools.cache
def rules() -> tuple[Rule, ...]:
    """Return the rules in the order of LABELS and of their files."""
    found = []
    for label in LABELS:
        table = _table(label)
        for language in LANGUAGES:
            found += [rule_of(label, language, entry) for entry in table[language]]
    return tuple(found)


@functools.cache
def guards() -> tuple[Guard, ...]:
    """Return the guards in the order of their file."""
    table = _table("guards")
    return tuple(
        Guard(
            *(entry["family"], entry["scope"], language),
            tuple(_pattern(written, language, entry["scope"] != "line") for written in entry["patterns"]),
            *(tuple(entry["hides"]), tuple(entry["keeps"])),
        )
        for language in LANGUAGES
        for entry in table[language]
    )


@functools.cache
def line_pattern(language: str) -> re.Pattern[str]:
    """Return one pattern for the starts of lines that are not the writer's own."""
    chosen = [pattern.source for one in guards() if (one.scope, one.language) == ("line", language) for pattern in one.patterns]
    return re.compile("|".join(chosen))


class Opening(NamedTuple):
    """Where clauses open."""

    start: re.Pattern[str]  # ends where the first clause opens
    opener: re.Pattern[str]  # ends where a further one does
    connective: re.Pattern[str]  # what may stand there before the clause's own words


@functools.cache
def opening(language: str, flags: re.RegexFlag) -> Opening:
    """Return where clauses open in a language, for text that is ASCII or not."""
    patterns = [_spelled(written, language) for written in ("<start>", "(?:<opener>|<opening>)<filler>(?=<begin>)", "<connective>")]
    return Opening(*(re.compile(pattern, flags) for pattern in patterns))


class Classes(NamedTuple):
    """Where clauses open in English, one character after the other."""

    start: str  # patterns of single characters, or of some in a row
    opener: str
    filler: str
    max_start: int  # characters in a row
    max_filler: int
    openings: tuple[str, ...]
    connectives: tuple[str, ...]  # what is tried first before


@functools.cache
def classes() -> Classes:
    """Return what the patterns of where clauses open in English say."""
    start, opener, filler, openings, connective = (
        _spelled(f"<{name}>", "en") for name in ("start", "opener", "filler", "opening", "connective")
    )
    most_start, most_filler = (max(size for size in range(20) if re.fullmatch(one, "." * size)) for one in (start, filler))
    return Classes(start, opener, filler, most_start, most_filler, tuple(spelled_out(openings)), tuple(spelled_out(connective)))


def rule_of(label: Label, language: str, entry: Mapping[str, Any]) -> Rule:
    """Return the rule of an entry of a label's file.  Raises ValueError where a pattern repeats without a bound or captures."""
    anywhere = bool(entry.get("anywhere"))
    patterns = tuple(_pattern(written, language, anywhere) for written in entry["patterns"])
    examples = tuple(entry["positive"]), tuple(entry["negative"])
    return Rule(label, language, tuple(entry["patterns"]), patterns, anywhere, entry.get("signal"), *examples)


SLOTS = 4


def _pattern(written: str, language: str, anywhere: bool) -> Pattern:
    spelled = _spelled(written, language)
    before = _WORD_START[language] if anywhere else ""
    return Pattern(f"{before}(?:{spelled})", tuple(required_words(spelled)[:SLOTS]), prefixes(spelled))


def _spelled(pattern: str, language: str) -> str:
    """Return a pattern with the entries of the vocabulary in place of their names."""
    vocabulary = _table("vocabulary")[language]
    for _ in range(3):  # entries may name others
        pattern = re.sub(r"<([a-z_]+)>", lambda match: f"(?:{vocabulary[match[1]]})", pattern)
    return pattern


@functools.cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(importlib.resources.files("filters").joinpath(FOLDER, f"{name}.toml").read_text("utf-8"))
