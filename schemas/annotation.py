"""What the filters say of a sample.  Each annotation is a column; nothing is dropped on the way to selection."""

from typing import Literal, NamedTuple

import pyarrow as pa

Status = Literal["correct", "incorrect", "unsure", "error"]
STATUSES: tuple[Status, ...] = ("correct", "incorrect", "unsure", "error")


class Verdict(NamedTuple):
    """What a checker says of one response.  `unsure` (could be either) and `error` (could not be judged) never count as correct."""

    status: Status
    extracted: str | None  # the committed answer as it was read, None where there is none
    checker: str  # name with version, such as "numeric_v1"
    reason: str  # a short code, such as "equal", "different", "no_answer", "gold_unreadable"


class Reflection(NamedTuple):
    """One place where a chain turns on itself.  Offsets are Unicode code points into the chain's text, end exclusive."""

    label: str
    start: int
    end: int
    marker: str | None  # the words that fired, as they stand in the text; None for a structural signal
    effect: str | None  # what it did to the answer; None where nobody has measured it


class Duplicate(NamedTuple):
    """Says that a kept row stands for this one."""

    kind: Literal["exact", "near"]
    kept_id: str
    jaccard: float  # exact similarity of the two shingle sets, 0 to 1; 1 for an exact copy


VERDICT_TYPE = pa.struct(
    [
        pa.field("status", pa.string()),
        pa.field("extracted", pa.string()),
        pa.field("checker", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
REFLECTIONS_TYPE = pa.list_(
    pa.field(
        "item",
        pa.struct(
            [
                pa.field("label", pa.string()),
                pa.field("start", pa.int64()),
                pa.field("end", pa.int64()),
                pa.field("marker", pa.string()),
                pa.field("effect", pa.string()),
            ]
        ),
    )
)
DUPLICATE_TYPE = pa.struct([pa.field("kind", pa.string()), pa.field("kept_id", pa.string()), pa.field("jaccard", pa.float64())])
