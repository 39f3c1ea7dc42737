"""The numbers that a text gives to calculate with: in digits, in words, in other forms, and what its units are worth.

A *quantity* is a number in digits, or a fraction.  Its other forms are those that the writer of a step need not derive: 20% is
20, .2, .8, 1.2, 80 and 120; 1/3 is 1 and 3, 2/3 and 4/3.
"""

import functools
import importlib.resources
import itertools
import re
import tomllib
from collections.abc import Iterator
from fractions import Fraction

from filters.answers.numerals import WORDS, number_in_words
from filters.mentions import MAX_NUMBER_CHARS, NUMBER, value_of
from filters.rationals import Rational, divided

MAX_QUANTITIES = 256  # of one text; the questions of GSM8K have up to 31

_FRACTION = re.compile(r"(?<![\d.,/])(?:(\d{1,9}) )?(\d{1,9})/(\d{1,9})(?![\d/]|\.\d)")
_PERCENT = re.compile(r"\s?(?:\\?%|percent\b|per cent\b|cents?\b|¢)")
_WORD = re.compile("[a-z]+")
_NUMERAL = re.compile("[零〇一二两三四五六七八九十百千万亿分之]{1,20}")
_SCALES = frozenset(("hundred", "thousand", "million", "billion"))


def quantities(text: str) -> dict[Rational, Rational]:
    """Return every form of the quantities of a text, and the quantity that it is a form of."""
    own: list[Rational] = []
    forms: dict[Rational, Rational] = {}
    for match in itertools.islice(_FRACTION.finditer(text), MAX_QUANTITIES):
        whole, top, bottom = (int(part or 0) for part in match.groups())
        if bottom:
            part = divided(top, bottom)
            own.append(part)
            forms |= dict.fromkeys((top, bottom, bottom - top, 1 - part, 1 + part, whole + part), part)
    for match in itertools.islice(NUMBER.finditer(_FRACTION.sub(r"\1 ", text)), MAX_QUANTITIES):
        if len(match[0]) <= MAX_NUMBER_CHARS:
            number = value_of(match[0])
            own.append(number)
            if _PERCENT.match(match.string, match.end()):
                share = divided(number, 100)
                forms |= dict.fromkeys((share, 1 - share, 1 + share, 100 - number, 100 + number), number)
    return {**{_plain(form): number for form, number in forms.items()}, **{number: number for number in own}}


def worded(text: str) -> set[Rational]:
    """Return the numbers that a text gives in words, and those that its words bring: a week has 7 days, twice is 2."""
    english, han = _brought()
    words = _WORD.findall(text.lower())
    unique = {*words}
    found = {number for word in unique & english.keys() for number in english[word]}
    runs = [] if unique.isdisjoint(WORDS) else list(_runs(words))
    if not text.isascii():
        found.update(number for word, numbers in han.items() if word in text for number in numbers)
        runs += _NUMERAL.findall(text)
    for run in runs:
        read = number_in_words(run)
        if read is not None:
            number = read[0]
            found |= {_plain(number), _plain(1 - number), number.denominator} if number < 1 else {_plain(number)}
    return found


def _runs(words: list[str]) -> Iterator[str]:
    """Yield the words that are numbers, and their runs with the word behind: "twenty one", "two thirds"."""
    start = 0
    for place, word in enumerate(words):
        if word in WORDS:
            yield word
        elif word not in _SCALES or place == start:
            if place > start:
                yield " ".join(words[start:place])
                yield " ".join(words[start : place + 1])
            start = place + 1
    yield " ".join(words[start:])


@functools.cache
def _brought() -> tuple[dict[str, tuple[Rational, ...]], dict[str, tuple[Rational, ...]]]:
    """Return what English and what Chinese words bring."""
    entries = tomllib.loads(importlib.resources.files("filters").joinpath("number_words.toml").read_text("utf-8"))["brings"]
    english: dict[str, tuple[Rational, ...]] = {}
    han: dict[str, tuple[Rational, ...]] = {}
    for entry in entries:
        for word in entry["words"].split():
            table = english if word.isascii() else han
            table[word] = (*table.get(word, ()), *(_plain(Fraction(number)) for number in entry["numbers"]))
    return english, han


def _plain(number: Rational) -> Rational:
    """Return a whole number as an int."""
    return int(number) if number.denominator == 1 else number
