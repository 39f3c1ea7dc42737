"""What is said of copies in anyone's files: lines on stderr, and a page."""

import collections
from collections.abc import Iterator

import numpy as np

from filters.bands import Counts, bands_for
from pipeline.copies import Copies
from pipeline.report import Page, Removed, Side, duplicates, examples_of, group_sizes
from schemas.recipe import Dedupe


def summary(copies: Copies) -> list[str]:
    """Return what was found, in a line or three."""
    kinds = collections.Counter(standing.kind for standing in copies.found.values())
    sizes = group_sizes([standing.kept for standing in copies.found.values()])
    groups = ", ".join(f"{count:,} of {size}" for size, count in sizes.items()) or "none"
    counts, threshold = copies.corpus.counts, copies.corpus.threshold
    bands = bands_for(threshold)
    kept = copies.count - len(copies.found)
    return [
        f"{copies.count:,} rows, {kept:,} kept; copies: {kinds['exact']:,} exact, {kinds['near']:,} near; groups by rows: {groups}",
        f"{counts['pairs_candidate']:,} candidate pairs, {counts['pairs_compared']:,} compared, {counts['pairs_alike']:,} alike; "
        f"{bands.number} bands x {bands.rows} rows find {bands.recall(threshold):.2%} of the pairs at {threshold:g}",
        *_capped(counts),
    ]


def _capped(counts: Counts) -> Iterator[str]:
    if counts["buckets_capped"]:
        yield (
            f"{counts['buckets_capped']:,} buckets too large to compare all pairs: about {counts['pairs_capped']:,} were not "
            "looked at, each counted in every band that it shares"
        )


def page_of(copies: Copies, dedupe: Dedupe, path: str) -> Page:
    """Return the report on the rows of `path`.  They are read once more for the texts of the examples."""
    numbers: dict[str, int] = {}
    removed = []
    for number, standing in sorted(copies.found.items()):
        one, kept = copies.shown(number), copies.shown(standing.kept)
        numbers.update({one: number, kept: standing.kept})
        within, earlier = copies.of_one_group(number, standing.kept), standing.kept < copies.earlier
        removed.append(Removed(one, kept, standing.kind, standing.jaccard, within, earlier))
    examples = examples_of(removed, dedupe)
    wanted = np.unique([numbers[id] for _, one in examples for id in (one.id, one.kept_id)]).astype(np.int64)
    sides = {
        copies.shown(number): Side(copies.shown(number), f"group {one.group}" if one.group else "", one.text)
        for number, one in copies.look(wanted, "report")
    }
    facts = [
        ("rows", f"{copies.count:,}"),
        ("kept", f"{copies.count - len(copies.found):,}"),
        ("earlier rows", f"{copies.earlier:,}"),
    ]
    return Page(path, facts, duplicates(removed, examples, sides, dedupe, copies.corpus.counts, "group"))
