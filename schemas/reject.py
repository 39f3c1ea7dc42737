"""A reject: a record that could not go on, with the stage, the reason and what it looked like.  Nothing is dropped in silence."""

import dataclasses

import pyarrow as pa

from schemas.identity import content_id

RAW_SHOWN = 2048  # characters of a rejected record that are kept: enough to find it again, small enough for a million of them


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One record that was turned away."""

    stage: str  # read | problem | sample | select
    reason: str  # a short code, such as "bad_json", "missing_field", "text_too_long", "incorrect", "duplicate"
    detail: str  # one sentence: the value seen and the rule
    raw: str  # the record's first RAW_SHOWN characters, always valid Unicode
    source: str  # the file or source that it came from
    position: int | None = None  # line or row in that source, from 1; not part of the id, so that order does not matter

    @property
    def reject_id(self) -> str:
        """A hash of everything but the position."""
        return content_id("reject", self.stage, self.reason, self.detail, self.raw, self.source)


REJECT_SCHEMA = pa.schema(
    [
        pa.field("reject_id", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("detail", pa.string()),
        pa.field("raw", pa.string()),
        pa.field("source", pa.string()),
        pa.field("position", pa.int64()),
    ]
)


def shown(raw: str) -> str:
    """Return the part of a record that a reject keeps, with what is not Unicode made visible as backslash escapes."""
    return raw[:RAW_SHOWN].encode("utf-8", "backslashreplace").decode()
