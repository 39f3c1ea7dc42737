r"""Numbers with units, read exactly: integers, decimals, fractions, mixed numbers, percent, currency, scientific notation, words.

Nothing is ever a float.  A number with words behind it ("18 dollars") is read as a quantity; words that change the
value ("18 or so", "3 or 4") make it unreadable, but for magnitudes ("3 million", 3万).
"""

import functools
import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple

from filters.answers.numerals import MAGNITUDES, number_in_words
from filters.answers.units import ratio, read_unit
from filters.extraction import MAX_ANSWER_CHARS
from filters.normalization import nfkc
from schemas.annotation import Status

MAX_DIGITS = 2048  # the static limit of inspect_ai's safe mathematics grader; CPython's int() refuses from 4,301
MAX_EXPONENT = 308  # the decimal exponent range of IEEE 754 double precision
MAX_UNIT_WORDS = 5  # our rule for every answer: more than five words of prose in it are an explanation, not an answer

_SPACING = re.compile(r"\\[,;: ]|\\quad|~")
_MATH_MARKS = re.compile(r"\\[()\[\]]|\$\$")
_TEXT_GROUP = re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|boxed|fbox)\s?\{([^{}]*)\}")
_DOLLAR_PAIR = re.compile(r"\$([^$]*)\$")
_BOLD = re.compile(r"(?<![\w)])\*\*([^*]+)\*\*(?![\w(])")
_DEGREES = re.compile(r"\^\s?(?:\{\s?\\circ\s?\}|\\circ(?![A-Za-z]))|\\degree(?![A-Za-z])|°")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_VULGAR_VALUES = {sign: unicodedata.normalize("NFKC", sign).replace("\u2044", "/") for sign in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}

_APPROXIMATE = re.compile(r"[\s$*_(]{0,8}~|[^~]{0,99}~~")
_PLAIN = re.compile(r"-?[0-9]{1,18}")
_HEAD = re.compile(r"(?P<outer>[+-]?)\s?(?P<currency>[$€£¥₹]?)\s?(?P<inner>[+-]?)")
_LATEX_FRACTION = re.compile(
    r"(?:(?P<whole>[0-9]++)\s?)?\\[dtc]?frac\s?(?:\{\s?(?P<minus>-?)(?P<top>[0-9]++)\s?\}|(?P<top1>[0-9]))\s?"
    r"(?:\{\s?(?P<bottom>[0-9]++)\s?\}|(?P<bottom1>[0-9]))"
)
_FRACTION = re.compile(r"(?:(?P<whole>[0-9]++)\s)?(?P<top>[0-9]++)\s?/\s?(?P<bottom>[0-9]++)")
_DECIMAL = re.compile(
    r"(?=\.?[0-9])(?P<integer>[1-9][0-9]{0,2}(?:,[0-9]{3})++(?![0-9,])|[0-9]++)?(?:\.(?P<decimals>[0-9]++))?"
    r"(?:[eE](?P<exponent>[+-]?[0-9]++)|\s?(?:\\times|\\cdot|[×x*])\s?10\s?\^\s?(?:\{\s?(?P<power>[+-]?[0-9]++)\s?\}|(?P<power1>[+-]?[0-9]++)))?"
)
_UNIT_WORD = re.compile(r"(?:[^\W\d_]{2,}|a|[\u4e00-\u9fff])(?:[-/'’][^\W\d_]+)*\.?")
_UNIT_PIECE = re.compile(r"[^\W\d_]+")
_ATTACHED_UNITS = "mm cm km dm mg kg lb lbs oz ml hr hrs min sec am pm ft mph kph usd"
_ATTACHED = frozenset(_ATTACHED_UNITS.split())
_VALUE_WORDS = (
    "and or nor not no but if unless except plus minus over divided multiplied mod to through versus vs "
    "point negative more less than approx approximately roughly about maybe probably possibly squared "
    "cubed factorial pi infinity zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty "
    "seventy eighty ninety hundred hundreds thousand thousands million billion trillion millions billions "
    "trillions dozen dozens doz gross lakh crore grand mn bn mil half halves third thirds fourth fourths "
    "quarter quarters fifth fifths sixth sixths seventh sevenths eighth eighths ninth ninths tenth tenths "
    "hundredth hundredths thousandth thousandths wrong incorrect doubled tripled twice thrice tens score kilo hundredweight "
    "off th st nd rd below above under short fewer too false"
)
_CHANGES_VALUE = frozenset(_VALUE_WORDS.split())
_CHANGES_VALUE_CJK = re.compile("[一二两三四五六七八九十百千万亿兆零〇半几多余点负分之加减乘除或和与及到至不非约打倍]")
_SYMBOLS = {"percent": "%", "pct": "%", "dollar": "$", "usd": "$", "euro": "€"}
_MICRO = re.compile(r"\\mu\s?\\(?:text|mathrm)\s?\{\s?")
_PERCENT_ZH = re.compile(r"百分之(?=[0-9.])")
_PER_CENT = re.compile(r"\bper\scent\b", re.IGNORECASE)
_MAGNITUDE = re.compile(r"\s{0,3}((?i:hundred|thousand|million|billion|trillion)(?![^\W_])|百(?!分)|千(?![米克瓦焦])|[万亿])")
CURRENCIES = frozenset("$€£¥₹")
PERCENT = frozenset("%‰")
DEGREE = "degree"
DEGREES = frozenset(("degree", "degrees", "deg", "度"))


class Quantity(NamedTuple):
    """An exact number and its unit: "%", a currency sign, words in lower case without their plural s, or empty."""

    value: Fraction
    unit: str


def judge(gold: Quantity, answer: Quantity, tolerance: Fraction = Fraction(0)) -> tuple[Status, str]:
    """Return status and reason.  Units are converted exactly where both are known; words that are not known are only compared.

    `tolerance` is relative to the gold: 0 asks for exact equality.
    """

    def same(value: Fraction) -> bool:
        return abs(value - gold.value) <= tolerance * abs(gold.value)

    if gold.unit == answer.unit or (not gold.unit and answer.unit not in PERCENT):
        return ("correct", "equal") if same(answer.value) else ("incorrect", "different")
    if gold.unit in PERCENT or answer.unit in PERCENT:
        return _judge_percent(gold, answer, same(answer.value))
    if not answer.unit:
        if not same(answer.value):
            return "incorrect", "different"
        return ("correct", "equal") if gold.unit in DEGREES else ("unsure", "unit_missing")
    factor = ratio(answer.unit, gold.unit)
    if factor is None:
        return "unsure", "unit_different"
    if not factor:
        return "incorrect", "unit_different"
    return ("correct", "equal") if same(answer.value * factor) else ("incorrect", "different")


def _judge_percent(gold: Quantity, answer: Quantity, same: bool) -> tuple[Status, str]:
    """Percent is part of the type: 25 % against 25 or 0.25 could be meant, and is never called correct."""
    parts = {"%": 100, "‰": 1000}
    if gold.unit in PERCENT and answer.unit in PERCENT:
        return (
            ("correct", "equal")
            if gold.value / parts[gold.unit] == answer.value / parts[answer.unit]
            else ("incorrect", "different")
        )
    equal = gold.value / parts.get(gold.unit, 1) == answer.value / parts.get(answer.unit, 1)
    if not (same or equal):
        return "incorrect", "different"
    return "unsure", "unit_different" if answer.unit else "unit_missing"


@functools.lru_cache(maxsize=4096)  # golds repeat for every sample of a problem, and samples share few answers
def read_quantity(text: str) -> Quantity | None:
    """Return the number that `text` is, None where it is anything else.  Static limits come before conversion."""
    if len(text) > MAX_ANSWER_CHARS:
        return None
    if _PLAIN.fullmatch(text):
        return Quantity(Fraction(int(text)), "")
    if _APPROXIMATE.match(text):
        return None
    plain = _plain(text)
    if sum(map(plain.count, "0123456789")) > MAX_DIGITS:
        return None
    head = _HEAD.match(plain)
    if head is None or (head["outer"] and head["inner"]):
        return None
    if _PERCENT_ZH.match(plain):
        plain = plain[3:] + "%"
    elif not plain[head.end() : head.end() + 1].isdigit() and (words := number_in_words(plain)) is not None:
        return Quantity(*words)
    for pattern, value_of in ((_LATEX_FRACTION, _fraction), (_FRACTION, _fraction), (_DECIMAL, _decimal)):
        match = pattern.match(plain, head.end())
        if match is not None:
            value = value_of(match)
            times, rest = _magnitude(plain[match.end() :])
            value = None if value is None else value * times
            unit = _unit(rest, head["currency"])
            negative = "-" in (head["outer"], head["inner"])
            return None if value is None or unit is None else Quantity(-value if negative else value, unit)
    return None


def _plain(text: str) -> str:
    r"""Return `text` without the marks that only set it: delimiters, bold, \text, thin spaces, one trailing stop."""
    text = _VULGAR.sub(lambda match: " " + _VULGAR_VALUES[match[0]], text)
    text = _BOLD.sub(r"\1", nfkc(text).replace("\u2212", "-")).strip(" \t\r\n*`_")
    text = _MICRO.sub(r"\\text{μ", text).replace("\\Omega", " Ω ") if "\\" in text else text
    if "\\" in text or "~" in text or "{,}" in text:
        text = text.replace("\\!", "").replace("{,}", ",").replace("\\%", "%").replace("\\$", "\0")
        text = _DEGREES.sub(" degrees ", _MATH_MARKS.sub(" ", _SPACING.sub(" ", text)))
        text = _TEXT_GROUP.sub(r" \1 ", _TEXT_GROUP.sub(r" \1 ", text))
    text = _DEGREES.sub(" degrees ", text)
    if text.count("$") > 1:
        text = _DOLLAR_PAIR.sub(r" \1 ", text.replace("$$", " "))
    text = text.replace("\0", "$").strip()
    return text[:-1].rstrip(" *") if text.endswith((".", "。")) else text


def _fraction(match: re.Match[str]) -> Fraction | None:
    """Return a/b, or w + a/b where a < b; None for a zero below and for an improper mixed number."""
    groups = match.groupdict()
    top, bottom = int(groups["top"] or groups["top1"]), int(groups["bottom"] or groups["bottom1"])
    minus = bool(groups.get("minus"))
    if bottom == 0 or (groups["whole"] and (minus or top >= bottom)):
        return None
    value = int(groups["whole"] or 0) + Fraction(top, bottom)
    return -value if minus else value


def _decimal(match: re.Match[str]) -> Fraction | None:
    """Return a decimal with its power of ten; None where the exponent is out of range."""
    decimals = match["decimals"] or ""
    value = Fraction(int((match["integer"] or "").replace(",", "") + decimals), 10 ** len(decimals))
    power = match["exponent"] or match["power"] or match["power1"]
    if power is None:
        return value
    if len(power) > len(f"-{MAX_EXPONENT}") or abs(int(power)) > MAX_EXPONENT:
        return None
    return value * Fraction(10) ** int(power)


def _magnitude(rest: str) -> tuple[Fraction, str]:
    """Return the factor that opens what follows a number, and the rest: " million dollars" is 10^6 and " dollars"."""
    match = _MAGNITUDE.match(rest)
    return (MAGNITUDES[match[1].casefold()], rest[match.end() :]) if match else (Fraction(1), rest)


def _unit(rest: str, currency: str) -> str | None:
    """Return the unit in what follows a number, None where it is none.  `currency` stood before the number and wins."""
    symbol, words = "", _PER_CENT.sub("percent", " ".join(rest.split()))
    if words[:1] and words[0] in "%$€£¥¢":
        symbol, words = words[0], words[1:].strip()
    attached = bool(words) and not symbol and not rest[0].isspace()
    if not symbol and not currency and (len(words) > 1 or not attached) and read_unit(words) is not None:
        return DEGREE if words in DEGREES else words
    parts = words.split()
    if len(parts) > MAX_UNIT_WORDS or not all(_is_unit_word(part) for part in parts):
        return None
    if parts == ["times"] or "times" not in parts:
        if attached and parts[0].isascii() and parts[0].rstrip(".").casefold() not in _ATTACHED:
            return None
        names = [part.rstrip(".").casefold().removesuffix("s") for part in parts]
        return currency or symbol or (_SYMBOLS.get(names[0]) if names else None) or " ".join(names)
    return None


def _is_unit_word(word: str) -> bool:
    return bool(_UNIT_WORD.fullmatch(word)) and changes_no_value(word)


def changes_no_value(word: str) -> bool:
    """Say whether a word behind a number leaves its value alone: "apples" does, "dozen" and "not" do not."""
    if _CHANGES_VALUE_CJK.search(word):
        return read_unit(word) is not None
    return not any(piece.casefold() in _CHANGES_VALUE for piece in _UNIT_PIECE.findall(word))
