"""The report: a page of HTML that stands alone.  What comes from outside is escaped, its control characters made visible."""

import collections
import heapq
import importlib.resources
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jinja2

from filters.bands import COMPARED, bands_for
from filters.similarity import NUMBERS_ALIKE
from pipeline.differences import WORDS, Compared, differences
from pipeline.reflection_report import Reflections
from pipeline.terminal import safe
from schemas.recipe import Dedupe

LARGEST, NEAREST, EXACT = 4, 6, 3  # examples of each
SIZES = (2, 3, 4, 5, 10, 20, 50, 100, 1000)  # groups are counted between these

NAME_SHOWN = 300  # characters of an id or a title, which may be as long as a text

Facts = Sequence[tuple[str, str]]


class Removed(NamedTuple):
    """A row that another stands for."""

    id: str
    kept_id: str
    kind: str  # exact | near
    similarity: float  # 0 to 1
    within: bool  # whether both are of one problem, or group
    earlier: bool  # whether the kept one is of an earlier release, or file


class Side(NamedTuple):
    """A row as an example shows it."""

    id: str
    about: str  # where it comes from
    text: str


class Bar(NamedTuple):
    """One bar of a histogram."""

    label: str
    groups: int
    share: float  # of the longest bar, 0 to 1


class Example(NamedTuple):
    """Two rows side by side."""

    why: str
    removed: Removed
    kept: Side
    copy: Side
    marked: tuple[Compared, Compared]


class Duplicates(NamedTuple):
    """What the page says of copies."""

    scope: str  # what copies are within or across: problem | group
    kinds: list[tuple[str, list[int]]]  # kind → within a problem, across problems, of earlier rows
    groups: list[Bar]
    compared: list[tuple[str, int, str]]  # count → what is counted
    examples: list[Example]
    note: str  # what cannot be shown, and why


class Hit(NamedTuple):
    """A row that holds an item of a benchmark."""

    id: str
    kept: bool
    found: Mapping[str, Any]  # schemas.annotation.Contamination
    text: str


class Contaminations(NamedTuple):
    """What the page says of benchmarks."""

    counts: list[tuple[str, str, str, int, int]]  # benchmark, kind, field: rows, of which kept
    examples: list[Hit]


class Page(NamedTuple):
    """Everything on the page."""

    title: str
    facts: Facts
    duplicates: Duplicates
    contaminations: Contaminations | None = None  # None where no benchmark was looked for
    reflections: Reflections | None = None  # None where none were counted


def render(page: Page) -> bytes:
    """Return the page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: importlib.resources.files("pipeline").joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.finalize = lambda value: safe(value) if isinstance(value, str) else value
    page_html = environment.get_template("report.html").render(page=page, words=WORDS, most=NAME_SHOWN)
    return page_html.encode("utf-8", "backslashreplace")


def group_sizes(kept: Sequence[Any]) -> dict[str, int]:
    """Return how many groups there are of each size, given the kept row of each row that is removed."""
    sizes = collections.Counter(size + 1 for size in collections.Counter(kept).values())
    ends = (*(size - 1 for size in SIZES[1:]), None)
    found = {}
    for first, last in zip(SIZES, ends, strict=True):
        label = f"{first:,} or more" if last is None else f"{first:,}" if first == last else f"{first:,} to {last:,}"
        found[label] = sum(count for size, count in sizes.items() if size >= first and (last is None or size <= last))
    return {label: count for label, count in found.items() if count}


def examples_of(removed: Sequence[Removed], dedupe: Dedupe) -> list[tuple[str, Removed]]:
    """Return rows worth looking at, each with the reason: of the largest groups, the least alike, exact copies."""
    groups: dict[str, list[Removed]] = collections.defaultdict(list)
    for one in removed:
        groups[one.kept_id].append(one)
    largest = heapq.nsmallest(LARGEST, groups.values(), key=lambda group: (-len(group), group[0].kept_id))
    chosen = {min(group, key=_likeness): f"of a group of {len(group) + 1:,}" for group in largest if len(group) > 1}

    def margin(one: Removed) -> tuple[float, str]:
        return one.similarity - (dedupe.within if one.within else dedupe.threshold), one.id

    for why, most, kind, order in (("near the threshold", NEAREST, "near", margin), ("exact", EXACT, "exact", _likeness)):
        for one in heapq.nsmallest(most, (one for one in removed if one.kind == kind), key=order):
            chosen.setdefault(one, why)
    return [(why, one) for one, why in chosen.items()]


def _likeness(one: Removed) -> tuple[float, str]:
    return one.similarity, one.id


def duplicates(
    removed: Sequence[Removed],
    examples: Sequence[tuple[str, Removed]],
    sides: Mapping[str, Side],
    dedupe: Dedupe,
    counts: Mapping[str, int],
    scope: str,
    note: str = "",
) -> Duplicates:
    """Return the section on copies.  `sides`: the rows of the examples, by id; one whose rows are not there is left out."""
    kinds = collections.Counter((one.kind, "earlier" if one.earlier else "within" if one.within else "across") for one in removed)
    groups = group_sizes([one.kept_id for one in removed])
    most = max(groups.values(), default=1)
    shown = [(why, one, sides[one.kept_id], sides[one.id]) for why, one in examples if {one.id, one.kept_id} <= sides.keys()]
    bands = bands_for(dedupe.threshold)
    meanings = (
        f"pairs that share one of {bands.number} bands of {bands.rows} slots, or a {scope}",
        "of these compared exactly, after an estimate",
        f"of these copies: {dedupe.threshold:g} or more alike, within a {scope} {dedupe.within:g}; {NUMBERS_ALIKE:g} of the "
        "numbers, the last one and the answer the same",
        "buckets too large for all pairs to be compared",
        "pairs of these that were not looked at, about, each counted in every band that it shares",
    )
    return Duplicates(
        scope=scope,
        kinds=[(kind, [kinds[kind, where] for where in ("within", "across", "earlier")]) for kind in ("exact", "near")],
        groups=[Bar(label, count, count / most) for label, count in groups.items()],
        compared=[(name, counts.get(name, 0), meaning) for name, meaning in zip(COMPARED, meanings, strict=True)],
        examples=[Example(why, one, kept, copy, differences(kept.text, copy.text)) for why, one, kept, copy in shown],
        note=note,
    )
