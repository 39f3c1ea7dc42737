"""What words between numbers do to an equation: name a unit, stand for an operator, change a number, or end the equation."""

import functools
import re
from typing import NamedTuple

MAX_UNIT_WORDS = 8  # our rule: longer phrases between a number and an operator are prose
MAX_PHRASE_CHARS = 200  # of a phrase that may be a unit with an operator: twice what eleven words of ordinary length have
MAX_TAIL_CHARS = 40  # of the words before a number, what can change it: "three times as many as the"

# The longest of one to three words counts.
_LINKS = {
    "plus": "+", "minus": "-", "times": "*", "x": "*", "multiplied by": "*", "divided by": "/",
    "of": "of", "percent": "%", "percent of": "% of", "squared": "^2", "cubed": "^3",
    "is": "=", "are": "=", "equals": "=", "equal": "=", "equals to": "=", "is equal to": "=", "is exactly": "=",
    "makes": "=", "gives": "=", "leaves": "=", "comes to": "=",
    "is about": "≈", "is roughly": "≈", "is approximately": "≈",
}  # fmt: skip
_HAN_LINKS = {
    "乘以": "*", "乘": "*", "加上": "+", "加": "+", "减去": "-", "减": "-", "除以": "/", "等于": "=", "是": "=",
    "得": "=", "得到": "=", "为": "=", "的一半是": "half=", "的一半等于": "half=", "约等于": "≈", "大约是": "≈", "约为": "≈",
}  # fmt: skip
_HAN_LINK = re.compile("(" + "|".join(sorted(_HAN_LINKS, key=len, reverse=True)) + ")$")
_FILLERS = frozenset("the his her their its our my those these that all another only just a an".split())
_ABOUT = frozenset("about approximately roughly around nearly almost".split())
_PARTS = {"half": "2", "third": "3", "quarter": "4", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7", "eighth": "8",
          "ninth": "9", "tenth": "10"}  # fmt: skip
_COUNTS = {word: str(count) for count, word in enumerate("one two three four five six seven eight nine ten".split(), 1)} | {
    "a": "1"
}
_FOLDS = {"twice": "2", "double": "2", "triple": "3", "thrice": "3"}

# Words that change the number before them, so that it cannot be read alone.
_CHANGES_BEHIND = frozenset(
    "hundred hundreds thousand thousands million millions billion billions trillion trillions dozen dozens gross half "
    "halves third thirds fourth fourths quarter quarters fifth fifths sixth sixths eighth eighths tenth tenths hundredth "
    "hundredths thousandth thousandths factorial choose mod modulo pi over point to through thru versus vs by or pct "
    "percentage remainder r rem sqrt log ln sin cos tan mil mn bn score base raised".split()
)
# Words that change the number behind them, and words that give it as a name: "day 1".
_CHANGES_AHEAD = frozenset(
    "than as times plus minus negative dozen hundred thousand million sqrt log ln sin cos tan cot sec csc gcd lcm mod "
    "modulo max min squared cubed root over point number no base factorial one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy "
    "eighty ninety pi day days week weeks step steps chapter chapters page pages grade grades round rounds level case part "
    "question problem row".split()
)
# Words behind a result that say that it is not one of ordinary arithmetic: "5 + 4 = 12 in base 7".
_OTHER_ARITHMETIC = frozenset("remainder mod modulo base binary octal hexadecimal clock".split())
# Words behind which a statement may begin, such as "2 times 3 is 6".
_LEADS = frozenset(
    "so then and that since because thus therefore hence now have know knows gives get gets means but finally first next "
    "also check is if recall note see find here add subtract multiply divide calculate compute".split()
)
_JOINS = frozenset("to from into of by than as".split())  # behind a number: "adds 3 to 5"
_COMES_TO = frozenset("amount amounts come comes total translate translates up down".split())
_PARTITIVE = frozenset("of less fewer more off as".split())
# Words that make a phrase a clause of its own.
_CLAUSES = frozenset("which that so because if then since means while when but who where is are gives makes equals leaves".split())
_MEASURES = frozenset(
    "hour hours hr hrs minute minutes min mins second seconds day days week weeks month months year years foot feet ft inch "
    "inches yard yards pound pounds lb lbs ounce ounces oz dollar dollars cent cents pint pints gallon gallons cup cups "
    "meter meters cm mm km metres kg gram grams mile miles degree degrees".split()
)
_SMALLER = re.compile(
    r"\s?\d[\d.]{0,8}\s?(?:(?:minutes?|mins?|seconds?|secs?|inch(?:es)?|ounces?|oz|cents?|months?|days?|grams?|cm|mm)\b"
    r"|分|秒|厘米|毫米|克|角|个月|天|两)"
)
_HAN_MEASURES = frozenset("小时 分钟 分 米 厘米 千克 公斤 斤 元 角 年 个月 周 星期 天 度".split())
_ATTACHED = frozenset("mm cm km dm mg kg lb lbs oz ml hr hrs min mins sec am pm ft mph kph".split())
_HAN_AHEAD = re.compile("(?:分之|负|第|倍|和|与|的|乘|加|减|除|零|[一二三四五六七八九十百千万亿])$")
_HAN_BEHIND = re.compile("^(?:[一二三四五六七八九十百千万亿半多几余倍成折]|分之|又|点)")
_HAN_LEADS = re.compile("(?:所以|因此|那么|因为|可得|得出|即|则|而|且|有|先算|再算)$")
_HAN_FILLER = re.compile("(?:共|一共|大约|约)$")


class Ahead(NamedTuple):
    """What words do to the number behind them."""

    changes: bool  # it is not its whole value
    leads: bool  # a statement in words may begin with it
    filler: bool  # they may stand between an operator and the number
    about: bool  # "about", "approximately"
    multiplier: tuple[str, ...]  # tokens that stand before the number: "half of" is 1 / 2 of


class Behind(NamedTuple):
    """What words do to the number before them."""

    changes: bool  # it is not its whole value
    unit: bool  # they may stand between it and an operator
    link: str  # the operator or relation that they end with: + - * / of = ≈ ^2 ^3 % half= and "% of"; "" for none
    named: bool  # there are words before the link
    measure: bool  # they name a measure, which may go on: "1 hour 20 minutes"
    joins: bool  # they take the number behind together with the one before: "adds 3 to 5"
    partitive: bool  # "2/3 of the tank"


_PLAIN = Ahead(False, False, False, False, ())
_LED = _PLAIN._replace(leads=True)
_CHANGED = _PLAIN._replace(changes=True)
_LOOK = frozenset(("of", "as", "times", "by", *_PARTS, *(part + "s" for part in _PARTS), *_FOLDS, *_FILLERS, *_ABOUT))
_PROSE = Behind(False, False, "", True, False, False, False)


def ahead(words: str) -> Ahead:
    """Return what `words` do to the number behind them."""
    last = words[words.rfind(" ") + 1 :].lower()
    if not last.isascii():
        return _han_ahead(words[-MAX_TAIL_CHARS:])
    if last in _LOOK:
        return _ahead(words[-MAX_TAIL_CHARS:])
    if (
        last in _CHANGES_AHEAD
        or last.rpartition("-")[2] in _CHANGES_AHEAD
        or (len(last) == 1 and words != "I" and words[-2:] != " I")
    ):
        return _CHANGED
    return _LED if last in _LEADS else _PLAIN


@functools.lru_cache(maxsize=8192)
def _ahead(tail: str) -> Ahead:
    """Look at what stands before fillers: "half of the"."""
    names = tail.lower().replace("-", " ").split()
    filled = bool(names) and names[-1] in _FILLERS
    if names[-3:] == ["a", "total", "of"]:
        del names[-3:]
    while names and names[-1] in _FILLERS:
        names.pop()
    if not names:
        return _PLAIN._replace(filler=tail != "a", changes=tail == "a")  # alone "a" is a variable
    multiplier = _multiplier(names, filled)
    if multiplier:
        return Ahead(False, True, True, False, multiplier)
    last = names[-1]
    return Ahead(
        last in _CHANGES_AHEAD or len(last) == 1 or names[-2:] in (["divided", "by"], ["multiplied", "by"]),
        last in _LEADS,
        names == ["of"] or last in _ABOUT,
        last in _ABOUT,
        (),
    )


def _multiplier(names: list[str], filled: bool) -> tuple[str, ...]:
    """Return the tokens of "half of", "half the", "two thirds of", "twice", "three times as many as"."""
    if names[-3:-2] == ["as"] and names[-1] == "as" and names[-2] in ("many", "much"):
        names = names[:-3]
    if names and names[-1] in _FOLDS:
        return _FOLDS[names[-1]], "of"
    if names[-1:] == ["times"] and names[-2:-1] and names[-2] in _COUNTS:
        return _COUNTS[names[-2]], "of"
    if names[-1:] == ["of"]:
        names, filled = names[:-1], True
    if not filled or not names:
        return ()
    bottom, count = _PARTS.get(names[-1].removesuffix("s") if names[-1] != "halves" else "half"), names[-2:-1]
    if bottom and (names[-1] in ("half", "quarter") or (count and count[0] in _COUNTS)):
        return _COUNTS.get(count[0], "1") if count else "1", "/", bottom, "of"
    return ()


def behind(words: str) -> Behind:
    """Return what `words` do to the number before them."""
    if not words[0].isascii():
        return _han_behind(words) if len(words) <= MAX_TAIL_CHARS else _PROSE
    if words.count(" ") > MAX_UNIT_WORDS + 2 or len(words) > MAX_PHRASE_CHARS:  # a link has up to three words
        first = words[:MAX_PHRASE_CHARS].partition(" ")[0].lower()
        return _PROSE._replace(changes=first in _CHANGES_BEHIND, partitive=first in _PARTITIVE)
    return _behind(words)


@functools.lru_cache(maxsize=32768)  # texts of one kind share their words
def _behind(words: str) -> Behind:
    names = words.lower().replace("/", " / ").replace("-", " ").split()
    joins = False
    while names and names[-1] in _FILLERS:
        names.pop()
    link = ""
    for count in (3, 2, 1):
        link = _LINKS.get(" ".join(names[-count:]), "")
        if link and len(names) >= count:
            del names[-count:]
            break
    if names and names[0] == "/":  # 5/hour
        del names[0]
    if not link and names:
        joins = names[-1] in _CHANGES_AHEAD or (names[-1] in _JOINS and len(names) <= 2 and names[0] not in _COMES_TO)
    first = names[0] if names else ""
    changes = first in _CHANGES_BEHIND or (len(first) == 1 and first != "a") or not _OTHER_ARITHMETIC.isdisjoint(names)
    clause = names == ["and"] or not _CLAUSES.isdisjoint(names) or any(len(name) == 1 and name not in "a/" for name in names)
    return Behind(
        changes=changes,
        unit=len(names) <= MAX_UNIT_WORDS and not (changes or clause),
        link=link,
        named=bool(names),
        measure=first in _MEASURES and (len(names) == 1 or names[1:] == ["and"]),
        joins=joins,
        partitive=first in _PARTITIVE,
    )


@functools.lru_cache(maxsize=8192)
def _han_ahead(words: str) -> Ahead:
    about = words.endswith("约")
    return Ahead(bool(_HAN_AHEAD.search(words)), bool(_HAN_LEADS.search(words)), bool(_HAN_FILLER.fullmatch(words)), about, ())


@functools.lru_cache(maxsize=8192)
def _han_behind(words: str) -> Behind:
    linked = _HAN_LINK.search(words)
    unit = words[: linked.start()] if linked else words
    changes = bool(_HAN_BEHIND.match(unit))
    return Behind(
        changes=changes,
        unit=len(unit) <= MAX_UNIT_WORDS and not changes,
        link=_HAN_LINKS[linked[1]] if linked else "",
        named=bool(unit),
        measure=unit in _HAN_MEASURES,
        joins=unit[-1:] in ("到", "至", "和", "与"),
        partitive=unit.startswith("的"),
    )


def attached_unit(words: str) -> bool:
    """Say whether letters right behind a number begin with a unit: 5cm, but not 5ab."""
    return re.split("[ /-]", words, maxsplit=1)[0].lower() in _ATTACHED


def goes_on(text: str, start: int) -> bool:
    """Say whether a smaller measure follows: "1 hour" is not all of "1 hour 20 minutes"."""
    return _SMALLER.match(text, start) is not None


def is_measure(words: str) -> bool:
    """Say whether the first word is a measure: the "day" of "$25 / day"."""
    return words.split(None, 1)[0].lower() in _MEASURES
