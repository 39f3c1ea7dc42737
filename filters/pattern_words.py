"""Words that any match of a pattern holds: most sentences hold none of them, so that most patterns are never tried.

The same idea as RE2's FilteredRE2.  It reads the part of the syntax that our data files use: literals, classes, escapes, groups
that do not capture, lookarounds, `?` and `{m,n}`.
"""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

MARKS = "?？✓✔☑✅"  # signs that count as words
ENGLISH = re.compile(r"[a-z]{2,}")  # one letter is no word: formulas are full of them
WORD = re.compile(rf"{ENGLISH.pattern}|[{MARKS}]|[\u4e00-\u9fff]+")
# The most frequent words of reasoning in English, in 1,000 MATH-500 outputs, and in Chinese: they tell little, the first next to
# nothing.
_EVERYWHERE = frozenset("the is to and of that in we so for be are it this 的 了 是 在 有 我 不 这".split())
_COMMON = frozenset(
    (
        "a an these was were on at but or if you my our not no with by as from have has can will would do does there then now let "
        "us me all one two first what which when need find get how more some any they them their its could should may might must "
        "than into out up also just only here well 我们 那 和 与 也 就 都 个 为 以 得 所以 因此 可以 然后 再 先 一"
    ).split()
)


class _Item(NamedTuple):
    """One part of a branch: a literal character, or branches of a group, or anything else."""

    literal: str | None
    branches: "list[list[_Item]] | None"
    needed: bool  # whether it is there at least once
    letter: bool = False  # whether it may be a letter
    zero: bool = False  # whether it is a condition, of no width
    many: bool = False  # whether it may be there more than once


_BOUNDARY = _Item(None, None, False, zero=True)  # of a word


def required_words(pattern: str) -> list[frozenset[str]]:
    """Return sets of words of which a match holds at least one each, as parts of its words, the rarest set first.

    Empty where none is needed.  Raises ValueError where the syntax is not known.
    """
    branches = _branches(pattern)
    sets = _of_branch(branches[0]) if len(branches) == 1 else list(_united(branches))
    return sorted(dict.fromkeys(sets), key=lambda one: (_cost(one), sorted(one)))


MAX_WHOLE = 3  # letters: words of patterns that are no longer match whole words alone


PREFIX = 4  # characters: they tell "then" from "the"


def prefixes(pattern: str) -> frozenset[str]:
    """Return what a match may begin with: its first PREFIX characters, or fewer where anything may follow these or nothing does."""
    found: set[str] = set()
    for branch in _branches(pattern):
        going, stopped = _begun(branch, frozenset([""]))
        found |= going | stopped
    return frozenset(found)


def _begun(items: "list[_Item]", before: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return what begins with one of `before` goes on as, and those of it where it is no longer known or long enough."""
    going, stopped = set(before), set[str]()
    for item in items:
        if item.zero or not going:
            continue
        if item.branches is not None:
            parts = [_begun(branch, frozenset(going)) for branch in item.branches]
            stopped = stopped.union(*(ends for _, ends in parts))
            after = set[str]().union(*(on for on, _ in parts))
        elif item.literal is not None:
            after = {one + item.literal for one in going}
        else:
            stopped |= going
            after = set()
        if item.many:  # what comes next may be it again
            stopped |= after
            after = set()
        full = {one for one in after if len(one) >= PREFIX}
        stopped |= full
        going = (after - full) if item.needed else going | (after - full)
    return frozenset(going), frozenset(stopped)


def spelled_out(pattern: str) -> list[str]:
    """Return all that a pattern matches, what it tries first before.  Raises ValueError where that has no end or is not known."""
    return _spelled_out(_branches(pattern))


def _spelled_out(branches: "list[list[_Item]]") -> list[str]:
    found: list[str] = []
    for branch in branches:
        rows = [""]
        for item in branch:
            parts = [item.literal] if item.literal is not None else _spelled_out(item.branches or [])
            if item.many or not parts:
                raise ValueError("a pattern that is to be spelled out has a part without an end")
            rows = [row + part for row in rows for part in (parts if item.needed else [*parts, ""])]
        found += rows
    return found


def _cost(words: frozenset[str]) -> float:
    return sum(
        40.0
        if word in _EVERYWHERE
        else 4.0
        if word in _COMMON
        else 4.0 / (len(word) ** 2 if word.isascii() else (2 * len(word)) ** 2)
        for word in words
    )


def _of_branch(items: "list[_Item]") -> list[frozenset[str]]:
    sets: list[frozenset[str]] = []
    run, first = "", 0
    for at, item in enumerate([*items, _BOUNDARY]):
        if item.literal is not None and item.needed:
            run += item.literal
            continue
        if run:
            joined, joining = _touches(items[:first], -1), _touches(items[at:], 0)
            ending = item.literal if item.literal is not None and not _touches(items[at + 1 :], 0) else None
            sets += _sets(run, joined, joining, ending)
        run, first = "", at + 1
        if item.branches is not None and item.needed:
            sets += _of_branch(item.branches[0]) if len(item.branches) == 1 else _united(item.branches)
    return sets


def _sets(run: str, joined: bool, joining: bool, ending: str | None) -> Iterator[frozenset[str]]:
    """Yield the words of literals in a row, each as a set: with and without an `ending` that may follow, as in `fits?`.

    Short ones at an end where other letters may follow are left out: they match whole words alone.
    """
    for match in WORD.finditer(run):
        word, last = match[0], match.end() == len(run)
        if last and ending is not None and ending.isalpha() and not (joined and match.start() == 0):
            yield frozenset([word, word + ending])
        elif not ((joined and match.start() == 0) or (joining and last)) or len(word) > MAX_WHOLE or not "a" <= word <= "zz":
            yield frozenset([word])


def _touches(items: "list[_Item]", end: int) -> bool:
    """Say whether what items match may begin (`end` 0) or end (-1) with a letter; nothing may stand there too."""
    for item in items if end == 0 else reversed(items):
        if item is _BOUNDARY:
            return False
        letter = item.letter if item.branches is None else any(_touches(branch, end) for branch in item.branches)
        if letter or item.needed:
            return letter
    return False


def _united(branches: "list[list[_Item]]") -> Iterator[frozenset[str]]:
    """Yield sets of each of which any branch holds one: the rarest of each branch together, then the second of each."""
    ranked = [sorted(_of_branch(branch), key=_cost) for branch in branches]
    yield from (frozenset().union(*sets) for sets in zip(*ranked, strict=False))


@functools.lru_cache(1)  # it is asked for its words and prefixes, one after the other
def _branches(pattern: str) -> "list[list[_Item]]":
    branches, end = _alternation(pattern, 0)
    if end != len(pattern):
        raise ValueError(f"pattern {pattern!r}: cannot read from place {end}")
    return branches


def _alternation(pattern: str, at: int) -> "tuple[list[list[_Item]], int]":
    branches: list[list[_Item]] = [[]]
    while at < len(pattern) and pattern[at] != ")":
        if pattern[at] == "|":
            branches.append([])
            at += 1
            continue
        item, at = _item(pattern, at)
        if at < len(pattern) and pattern[at] in "?{":
            needed, many, at = _repeat(pattern, at)
            item = item if item is _BOUNDARY else item._replace(needed=item.needed and needed, many=many)
        branches[-1].append(item)
    return branches, at


_SYNTAX = frozenset(r"()[\*+{^$.")
_AROUND = re.compile(r"\(\?(?:=|!|<=|<!)")
_ESCAPED_LITERAL = re.compile(r"\\[^\w\s]")


def _item(pattern: str, at: int) -> tuple[_Item, int]:
    character = pattern[at]
    if character not in _SYNTAX:
        return _literal(character), at + 1
    if character == "(":
        around = _AROUND.match(pattern, at)
        opening = around[0] if around else "(?:"
        if not pattern.startswith(opening, at):
            raise ValueError(f"pattern {pattern!r}: a group at place {at} captures")
        branches, end = _alternation(pattern, at + len(opening))
        return _Item(None, None if around else branches, not around, zero=bool(around)), end + 1
    if character == "[":
        found = _CLASS.match(pattern, at)
        if found is None:
            raise ValueError(f"pattern {pattern!r}: a class at place {at} does not end")
        end = found.end() - 1
        return _Item(None, None, True, bool(_LETTERS.search(pattern, at, end))), end + 1
    if character == "\\":
        if pattern[at + 1] == "b":
            return _BOUNDARY, at + 2
        literal = pattern[at + 1] if _ESCAPED_LITERAL.match(pattern, at) else None
        return _Item(literal, None, True, pattern[at + 1] == "w"), at + 2
    if character in "*+{":
        raise ValueError(f"pattern {pattern!r}: repeats without a bound at place {at}")
    if character in "^$":
        return _Item(None, None, False, zero=True), at + 1
    return _Item(None, None, True, letter=True), at + 1  # "."


@functools.cache
def _literal(character: str) -> _Item:
    return _Item(character, None, True, character.isalpha())


_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_LETTERS = re.compile(r"\[\^|a-z|\\w|\[[^\\]?[a-z]")

_REPEAT = re.compile(r"\{(\d{1,3})(?:,(\d{1,3}))?\}|\?")


def _repeat(pattern: str, at: int) -> tuple[bool, bool, int]:
    """Return whether what stands before is there at least once, whether it may be more often, and where its repetition ends."""
    found = _REPEAT.match(pattern, at)
    if found is None:
        return True, False, at
    end = found.end() + pattern.startswith("?", found.end())
    return int(found[1] or 0) > 0, int(found[2] or found[1] or 0) > 1, end
