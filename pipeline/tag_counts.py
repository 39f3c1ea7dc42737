"""What the manifest says of a teacher's tags: how many were read, and how they agree with the rules'."""

import collections

import pyarrow as pa
import pyarrow.compute as pc

from filters.agreement import agreement
from schemas.annotation import Reflection, Tag


def tag_counts(table: pa.Table) -> "collections.Counter[tuple[str, ...]]":
    """Return counts by path in the funnel: of chains, tags and items that are none; and the agreement, over chains that were read.

    Nothing is counted where no chain was asked about.
    """
    counts: collections.Counter[tuple[str, ...]] = collections.Counter()
    asked = table.select(["reflections", "tagged"]).filter(pc.is_valid(table["tagged"])).to_pylist()
    if not asked:
        return counts
    read = [row for row in asked if row["tagged"]["tags"] is not None]
    tagger = [[Tag(**one) for one in row["tagged"]["tags"]] for row in read]
    counts["tagged", "read"] = len(read)
    counts["tagged", "unreadable"] = len(asked) - len(read)
    counts["tagged", "tags"] = sum(len(tags) for tags in tagger)
    for dropped in ("misquoted", "mislabelled"):
        counts["tagged", dropped] = sum(row["tagged"][dropped] for row in read)
    rules = [[Reflection(**one) for one in row["reflections"]] for row in read]
    for label, one in agreement(rules, tagger).items():
        found = {"chains": {**one.chains._asdict(), "neither": one.neither}, "places": one.places._asdict()}
        counts.update({("agreement", label, of, whose): count for of, by in found.items() for whose, count in by.items()})
    return counts
