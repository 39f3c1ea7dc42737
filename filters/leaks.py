"""Whether a rationalised chain shows that it was told its answer: annotation `leak_v1`.

Two kinds.  It quotes its hint: the patterns are data, `leak_v1.toml`.  Or it names the gold first: it asserts the gold value, which
the question does not contain, before anything derives it ("The answer is 18 because", "to get 18, we").  Only hinted samples
are judged: a chain that was never told anything may begin with its answer and leak nothing.
"""

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filters.mentions import MAX_SHORT_CHARS, NUMBER, in_words, is_short, mentions, number_of, sentence_around
from filters.rationals import Rational
from schemas.annotation import Leak
from schemas.problem import CHOICE_LABELS, Problem

NAME = "leak_v1"
LANGUAGES = ("en", "zh")

MAX_GOLD_CHARS = 80  # of a gold that is looked for as text
_HAN = re.compile("[\u4e00-\u9fff]")

# What asserts the value behind it, up to the value itself.
_SET = r"(?:[\s$€£¥*:：(\[\"'“]|\\\(|\\\[|\\boxed\{|\\text\{|option |choice |about |exactly |a total of |equal to ){0,6}$"
_ASSERTED = re.compile(
    r"(?:\b(?:answer|result|solution|final (?:amount|total|value|number)|option|choice)"
    r"(?: (?:to|for) (?:this|the) (?:problem|question))?"
    r"(?: here)? ?(?:is|was|must be|should be|has to be|needs to be|will be|would be|equals|=|:)"
    r"|\b(?:want|need|have|suppos|try|trying|aim|expect|require)\w{0,3} (?:it |this |that |them |the (?:\w{1,20} ){1,3})?"
    r"(?:in order )?to (?:get|reach|be|equal|make|obtain|arrive at|come to|give|show|end up with|total)"
    r"|\bto (?:get|reach|arrive at|obtain|match|justify|end up (?:at|with))(?: (?:to|the answer|the result|a result of))?"
    r"|\b(?:know|show|prove|explain|verify|see|check) (?:that |why )?(?:it|this|the (?:answer|total|result)) "
    r"(?:is|equals|must be|should be)"
    r"|\b(?:it|this|that|total|sum|cost|number|price|age|amount) (?:must|should|has to|have to|needs to|ought to) "
    r"(?:be|equal|give|total|come (?:out )?to)"
    r"|(?:答案|结果)(?:就是|是|为|应该是|应为|应当是|必须是|等于|选)|(?:要|需要|想要?|为了|必须)(?:得到|达到|凑成|算出)|应该?选)"
    + _SET,
    re.IGNORECASE,
)
_ASSERTED_BEHIND = re.compile(
    r"(?:[\s$€£¥*)\]\"'”]|\\\)|\}){0,4}(?:\w{1,20} )?(?:is|must be|should be) (?:the )?(?:correct|right|final|answer)\b"
    r"|[)\s]{0,2}(?:是|为)(?:正确|答案)",
    re.IGNORECASE,
)


class Pattern(NamedTuple):
    """One pattern of the data file, with the examples that hold it to its meaning."""

    language: str
    pattern: str
    unless_asked: str | None
    positive: tuple[str, ...]
    negative: tuple[str, ...]


@functools.cache
def patterns() -> tuple[Pattern, ...]:
    """Return the patterns of `leak_v1.toml`, in the order of the file."""
    table = tomllib.loads(importlib.resources.files("filters").joinpath(f"{NAME}.toml").read_text("utf-8"))
    return tuple(
        Pattern(language, entry["pattern"], entry.get("unless_asked"), tuple(entry["positive"]), tuple(entry["negative"]))
        for language, entries in table.items()
        for entry in entries
    )


def leaks(chains: Sequence[str], problems: Sequence[Problem], hinted: Sequence[bool]) -> list[Leak | None]:
    """Return the leak of each chain, None where it was not hinted or nothing leaks: the column that selection and export read."""
    return [
        leak(chain, problem.answer, problem.question, problem.choices) if told else None
        for chain, problem, told in zip(chains, problems, hinted, strict=True)
    ]


def leak(text: str, gold: str | None, question: str, choices: Sequence[str] = ()) -> Leak | None:
    """Return what shows that `text` was told `gold`, None where nothing does.

    Where there are `choices`, the gold is a label or the text of an option.
    """
    return _quoted(text, question) or (_named(text, gold, question, choices) if gold else None)


@functools.cache
def _combined(language: str) -> tuple[re.Pattern[str], tuple[str | None, ...]]:
    """Return one pattern for a language, and for each of its groups the words that excuse it."""
    chosen = [one for one in patterns() if one.language == language]
    return re.compile("|".join(f"({one.pattern})" for one in chosen)), tuple(one.unless_asked for one in chosen)


def _quoted(text: str, question: str) -> Leak | None:
    """Return the first place that quotes the hint."""
    plain, asked = _lowered(text), question.lower()
    for language in LANGUAGES if _HAN.search(text) else LANGUAGES[:1]:
        pattern, excuses = _combined(language)
        for match in pattern.finditer(plain):
            excuse = excuses[(match.lastindex or 1) - 1]
            if not excuse or excuse not in asked:
                return Leak("quotes_hint", match.start(), match.end(), text[match.start() : match.end()])
    return None


def _lowered(text: str) -> str:
    """Return the text in lower case at the same length, so that offsets hold."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(one if len(one := character.lower()) == 1 else character for character in text)


def _named(text: str, gold: str, question: str, choices: Sequence[str]) -> Leak | None:
    """Return the place that asserts the gold before anything derives it.

    A number counts at its first mention, where no other number stands before it in its sentence; a label or a text among the first
    words.  What ends the chain is its answer and no leak.
    """
    number = None if choices else number_of(gold)
    places = _text_places(text, gold, question, choices) if number is None else _number_places(text, number, question)
    for start, end in places:
        before, _ = sentence_around(text, start, end)
        sentence = start - len(before)
        derived = NUMBER.search(before) if number is not None else not is_short(text[:sentence])
        if derived or not _goes_on(text, end):
            return None
        if asserted := _ASSERTED.search(before):
            return Leak("names_gold_first", sentence + asserted.start(), end, text[sentence + asserted.start() : end])
        if asserted := _ASSERTED_BEHIND.match(text, end):
            return Leak("names_gold_first", start, asserted.end(), text[start : asserted.end()])
    return None


def _number_places(text: str, number: Rational, question: str) -> list[tuple[int, int]]:
    """Return where a number stands first, in digits or in words; nothing where the question has it."""
    word = in_words(number)
    if any(mentions(question, (number,))) or (word and word.search(question)):
        return []
    found = [next(mentions(text, (number,)), None), word.search(text) if word else None]
    return sorted(match.span() for match in found if match)[:1]


def _text_places(text: str, gold: str, question: str, choices: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield where the gold stands among the first words, as its label or its text; a text that the question holds says nothing."""
    label = gold.strip("() .")
    index = CHOICE_LABELS.find(label) if len(label) == 1 else list(choices).index(gold) if gold in choices else -1
    words = choices[index] if 0 <= index < len(choices) else gold
    wanted = []
    if len(words) <= MAX_GOLD_CHARS and words.lower() not in question.lower():
        wanted.append(rf"(?i:(?<!\w){re.escape(words)}(?!\w))")
    if 0 <= index < len(choices):
        wanted.append(rf"(?<![\w'])(?:{CHOICE_LABELS[index]}|\({CHOICE_LABELS[index].lower()}\))(?![\w'])")
    if wanted:
        yield from (match.span() for match in re.finditer("|".join(wanted), text[:MAX_SHORT_CHARS]))


def _goes_on(text: str, end: int) -> bool:
    """Say whether reasoning follows: an equation, or words."""
    rest = text[end : end + MAX_SHORT_CHARS]
    return "=" in rest or not is_short(rest)
