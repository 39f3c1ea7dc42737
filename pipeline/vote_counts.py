"""What the manifest says of votes: whether problems were decided, and whether rightly."""

import collections

import pyarrow as pa
import pyarrow.compute as pc

VOTE_COUNTS = ("problems", "decided", "correct", "pseudo_gold")


def vote_counts(table: pa.Table) -> "collections.Counter[tuple[str, ...]]":
    """Return the numbers of problems by path in the funnel: that voted, decided, decided rightly, and got a pseudo-gold."""
    votes = table["vote"].combine_chunks()
    correct = pc.equal(pc.struct_field(table["verdict"].combine_chunks(), "status"), "correct")
    agrees = pc.fill_null(pc.struct_field(votes, "agrees"), False)
    pseudo_gold = pc.is_valid(pc.struct_field(votes, "pseudo_gold"))
    masks = (pc.is_valid(votes), agrees, pc.and_(agrees, correct), pseudo_gold)
    counts: collections.Counter[tuple[str, ...]] = collections.Counter()
    for name, mask in zip(VOTE_COUNTS, masks, strict=True):
        counts["votes", name] = len(pc.unique(table.filter(mask)["problem_id"]))
    return counts
