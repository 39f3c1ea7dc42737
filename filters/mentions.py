"""Where a text mentions a number, and how much it says: what the step checks and the leak detector share."""

import functools
import re
from collections.abc import Container, Iterator

from filters.rationals import Rational, literal

MIN_WORDS = 15  # fewer, and no equation, is no reasoning: the definition in our survey of rule checkers
HAN_PER_WORD = 2  # Chinese characters that count as one word; most words of modern Chinese have two
MAX_SHORT_CHARS = 1500  # where fifteen words end at the latest: the longest words of English have under 50 letters
MAX_SENTENCE_CHARS = 300  # read on each side of a mention: 99.9 % of GSM8K's lines have up to 211
MAX_ANSWER_CHARS = 200  # of an answer that may be a number; longer ones are proofs or programs
MAX_NUMBER_CHARS = 40  # of a number that is compared with an answer

_NUMBER = r"(?<![\d.,])(?:\d{1,3}(?:[, ]\d{3}){1,12}+(?!\d)(?:\.\d++)?|\d++(?:\.\d++)?|\.\d++)"
NUMBER = re.compile(_NUMBER)
_ANSWER = re.compile(rf"[^\w.\\]{{0,8}}({_NUMBER})(?:\s?\\?%|\s?[A-Za-z/ ]{{2,60}}|[\u4e00-\u9fff]{{1,8}})?[^\w\\]{{0,8}}")
SENTENCE_END = re.compile(r"[.!?](?=\s)|[。！？\n]")
_HAN = re.compile("[\u4e00-\u9fff]")
_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)


def number_of(answer: str) -> Rational | None:
    """Return the number that an answer is, with a unit or without; None where it is anything else or negative."""
    return _number_of(answer) if len(answer) <= MAX_ANSWER_CHARS and "-" not in answer else None


@functools.lru_cache(maxsize=4096)  # samples share few answers
def _number_of(answer: str) -> Rational | None:
    found = _ANSWER.fullmatch(answer)
    return value_of(found[1]) if found else None


def mentions(text: str, numbers: Container[Rational]) -> Iterator[re.Match[str]]:
    """Yield where one of `numbers` stands in digits."""
    return (match for match in NUMBER.finditer(text) if len(match[0]) <= MAX_NUMBER_CHARS and value_of(match[0]) in numbers)


def in_words(number: Rational) -> re.Pattern[str] | None:
    """Return a pattern for a whole number up to twenty in English words, None for any other."""
    return _word_pattern(_WORDS[int(number)]) if number in range(len(_WORDS)) else None


@functools.cache
def _word_pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"\b{word}\b", re.IGNORECASE)


def sentence_around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return what stands before and behind a place in its sentence."""
    before = SENTENCE_END.split(text[max(0, start - MAX_SENTENCE_CHARS) : start])[-1]
    return before, SENTENCE_END.split(text[end : end + MAX_SENTENCE_CHARS], maxsplit=1)[0]


def is_short(text: str) -> bool:
    """Say whether a text has fewer than `MIN_WORDS` words."""
    return len(text) < MAX_SHORT_CHARS and len(text.split()) + len(_HAN.findall(text)) // HAN_PER_WORD < MIN_WORDS


def value_of(number: str) -> Rational:
    """Return the value of a match of `NUMBER`."""
    return literal(number.replace(" ", ""))
