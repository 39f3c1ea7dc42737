"""Units of measure: the words behind a number, as a dimension and an exact factor.

The table is data, `units.toml`.  A unit that is not in it ("apples") has no dimension and equals only itself.
"""

import functools
import importlib.resources
import re
import tomllib
from fractions import Fraction
from typing import NamedTuple

MAX_UNIT_CHARS = 80  # the longest compound of the table's names, such as "cubic centimeters per square kilometer", is half of it

_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3, "平方": 2, "立方": 3}
_POWER = re.compile(r"(?P<name>[^\^²³]+)(?:\^\s?\{?(?P<power>-?[1-3])\}?|(?P<sign>[²³]))")
_BEFORE_POWER = re.compile(r"\s+\^\s?")
_QUOTIENT = re.compile(r"\s?/\s?|\sper\s|每")
_PRODUCT = re.compile(r"\s?[·*⋅]\s?|\s|-")
# SI prefixes (SI brochure, table 7) of the symbols that answers use them with.
_PREFIXES = {
    "k": Fraction(1000),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "m": Fraction(1, 1000),
    "μ": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
}
_PREFIXED = frozenset(("N", "J", "W", "Pa", "V", "A", "C", "T", "F", "Hz", "mol", "Ω", "eV", "g", "s"))
# Dimensions that are powers or quotients of others, so that liters meet cubic meters and mph meets miles per hour.
_DERIVED: dict[str, tuple[tuple[str, int], ...]] = {
    "volume": (("length", 3),),
    "area": (("length", 2),),
    "speed": (("length", 1), ("time", -1)),
    "frequency": (("time", -1),),
    "force": (("length", 1), ("mass", 1), ("time", -2)),
    "pressure": (("length", -1), ("mass", 1), ("time", -2)),
    "energy": (("length", 2), ("mass", 1), ("time", -2)),
    "power": (("length", 2), ("mass", 1), ("time", -3)),
    "charge": (("current", 1), ("time", 1)),
}


class Unit(NamedTuple):
    """A dimension, as powers of base dimensions sorted by name, and the factor to its base units."""

    dimension: tuple[tuple[str, int], ...]
    factor: Fraction


@functools.cache
def _table() -> dict[str, Unit]:
    data = tomllib.loads(importlib.resources.files("filters.answers").joinpath("units.toml").read_text("utf-8"))
    return {
        name: Unit(_DERIVED.get(dimension, ((dimension, 1),)), Fraction(factor))
        for dimension, units in data.items()
        for factor, *names in units.values()
        for name in names
    }


@functools.lru_cache(maxsize=1024)
def read_unit(text: str) -> Unit | None:
    """Return the unit that words or symbols mean, None where they are not of the table: "km/h", "square feet", "cm^2"."""
    if not text or len(text) > MAX_UNIT_CHARS:
        return None
    text = _BEFORE_POWER.sub("^", text)
    whole = _atom(text)
    if whole is not None:
        return whole
    above, *below = _QUOTIENT.split(text)
    units = [(part, 1) for part in [above] if part] + [(part, -1) for part in below]
    powers: dict[str, int] = {}
    factor = Fraction(1)
    for part, sign in units:
        read = _product(part)
        if read is None:
            return None
        factor *= read.factor**sign
        for name, power in read.dimension:
            powers[name] = powers.get(name, 0) + sign * power
    return Unit(tuple(sorted((name, power) for name, power in powers.items() if power)), factor)


def _product(text: str) -> Unit | None:
    words = [word for word in _PRODUCT.split(text.strip()) if word]
    powers: dict[str, int] = {}
    factor, pending = Fraction(1), 1
    last: Unit | None = None
    for word in words:
        if word in _POWERS:
            if word.endswith("ed"):  # "meters squared"
                if last is None:
                    return None
                read, times = last, _POWERS[word] - 1
            else:
                pending = _POWERS[word]
                continue
        else:
            atom = _atom(word)
            if atom is None:
                return None
            read, times, last, pending = atom, pending, atom, 1
        factor *= read.factor**times
        for name, power in read.dimension:
            powers[name] = powers.get(name, 0) + times * power
    return Unit(tuple(sorted(powers.items())), factor) if last is not None and pending == 1 else None


def _atom(text: str) -> Unit | None:
    """Return one name with an optional power: "km", "meters", "cm^2", "平方米"."""
    table = _table()
    plain = text.strip().rstrip(".")
    for name in (plain, plain.casefold(), plain.casefold().removesuffix("s")):
        if name in table:
            return table[name]
    if plain[:1] in _PREFIXES and plain[1:] in _PREFIXED:
        prefixed = table[plain[1:]]
        return Unit(prefixed.dimension, prefixed.factor * _PREFIXES[plain[0]])
    for word, power in (("平方", 2), ("立方", 3)):
        if plain.startswith(word) and (unit := _atom(plain.removeprefix(word))) is not None:
            return _raised(unit, power)
    match = _POWER.fullmatch(plain)
    if match is None:
        return None
    base = _atom(match["name"])
    return None if base is None else _raised(base, {"²": 2, "³": 3}.get(match["sign"] or "", 0) or int(match["power"]))


def _raised(unit: Unit, power: int) -> Unit:
    return Unit(tuple((name, of * power) for name, of in unit.dimension), unit.factor**power)


def ratio(one: str, other: str) -> Fraction | None:
    """Return how many of `other` one of `one` is, 0 where their dimensions differ, None where either is not of the table."""
    first, second = read_unit(one), read_unit(other)
    if first is None or second is None:
        return None
    return first.factor / second.factor if first.dimension == second.dimension else Fraction(0)
