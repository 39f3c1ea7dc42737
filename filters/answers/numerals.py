"""Numbers in words, English and Chinese: "twenty-one", "one hundred and five", "two thirds", 十八, 三分之一, 百分之二十五."""

import functools
import re
from fractions import Fraction

MAX_CHARS = 100  # "nine hundred and ninety-nine billion …" of twelve digits takes 97

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_DENOMINATORS = {
    name: number
    for number, name in enumerate("half third quarter fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=2)
}
WORDS = {
    **{word: value for value, word in enumerate(_SMALL)},
    **{word: 10 * value for value, word in enumerate(_TENS, start=2)},
}
_SPLIT = re.compile(r"[\s-]+")

_DIGITS_ZH = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_UNITS_ZH = {"十": 10, "百": 100, "千": 1000}
_MYRIADS_ZH = {"万": 10**4, "亿": 10**8}
_NUMBER_ZH = "[零〇一二两三四五六七八九十百千万亿]{1,20}"
_FRACTION_ZH = re.compile(f"({_NUMBER_ZH})分之({_NUMBER_ZH})")
_WHOLE_ZH = re.compile(_NUMBER_ZH)

# Behind a number in digits: "3 million", 3.5万.
MAGNITUDES = {
    **{name: Fraction(value) for name, value in _SCALES.items()},
    "hundred": Fraction(100),
    "百": Fraction(100),
    "千": Fraction(1000),
    **{name: Fraction(value) for name, value in _MYRIADS_ZH.items()},
}


@functools.lru_cache(maxsize=1024)
def number_in_words(text: str) -> tuple[Fraction, str] | None:
    """Return the number that a text is in words, and "%" or no unit; None for all other texts."""
    text = text.strip().rstrip(".。").casefold()
    if not text or len(text) > MAX_CHARS:
        return None
    if text.isascii():
        value = _english(text)
        return None if value is None else (value, "")
    sign, text = (-1, text[1:]) if text[0] == "负" else (1, text)
    if text.startswith("百分之") and (percent := _chinese(text[3:])) is not None:
        return Fraction(sign * percent), "%"
    fraction = _FRACTION_ZH.fullmatch(text)
    if fraction is not None:
        below, above = _chinese(fraction[1]), _chinese(fraction[2])
        return None if not below or above is None else (Fraction(sign * above, below), "")
    whole = _chinese(text)
    return None if whole is None else (Fraction(sign * whole), "")


def _english(text: str) -> Fraction | None:
    words = [word for word in _SPLIT.split(text) if word]
    negative = words[:1] in (["minus"], ["negative"])
    words = words[negative:]
    below = None
    if len(words) > 1 or words == ["half"]:
        last = words[-1].removesuffix("s") if words[-1] != "halves" else "half"
        below = _DENOMINATORS.get(last)
    if below is not None:
        above = 1 if words[:-1] in ([], ["a"], ["an"]) else _whole(words[:-1])
        value = None if above is None else Fraction(above, below)
    else:
        whole = _whole(words)
        value = None if whole is None else Fraction(whole)
    return None if value is None else -value if negative else value


def _whole(words: list[str]) -> int | None:
    """Return a whole number from its words.  Tens, units and scales must stand in falling order."""
    total, group, room, scale = 0, 0, 1000, 10**15
    for place, word in enumerate(words):
        if word == "and" and 0 < place < len(words) - 1 and (group or total):
            continue
        if word == "hundred" and 0 < group < 10:
            group, room = group * 100, 100
        elif word in _SCALES and group and _SCALES[word] < scale:
            scale = _SCALES[word]
            total, group, room = total + group * scale, 0, 1000
        elif word in WORDS and WORDS[word] < room and (WORDS[word] or len(words) == 1):
            group += WORDS[word]
            room = 10 if WORDS[word] >= 20 else 1
        else:
            return None
    return total + group if words else None


def _chinese(text: str) -> int | None:
    """Return a whole number from Chinese numerals; None where they are in no order of a number."""
    if not _WHOLE_ZH.fullmatch(text):
        return None
    total, section, digit, least = 0, 0, None, 10**16
    for sign in text:
        if sign in _DIGITS_ZH:
            if digit not in (None, 0):
                return None
            digit = _DIGITS_ZH[sign]
        elif sign in _UNITS_ZH:
            section += (1 if digit is None else digit) * _UNITS_ZH[sign]
            digit = None
        else:
            if _MYRIADS_ZH[sign] >= least:
                return None
            least = _MYRIADS_ZH[sign]
            total += (section + (digit or 0)) * least
            section, digit = 0, None
    return total + section + (digit or 0)
