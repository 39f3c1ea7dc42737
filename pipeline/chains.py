"""Annotated rows as the filters count their chains."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from filters.reflection_counts import Chain
from pipeline.pass_rates import TRIED
from pipeline.slices import texts_of
from schemas.annotation import Course, Granularity, LanguageShare, Reflection

COLUMNS = ("problem_id", "teacher", "subject", "origin", "reflections", "course", "granularity", "approaches")


def chains_of(table: pa.Table) -> list[Chain]:
    """Return what of each row is counted."""
    statuses = pc.struct_field(table["verdict"].combine_chunks(), "status").to_pylist()
    others = zip(statuses, pc.is_valid(table["hint"]).to_pylist(), texts_of(table), strict=True)
    return [
        Chain(
            problem_id=row["problem_id"],
            teacher=row["teacher"],
            subject=row["subject"],
            status=status,
            is_try=not hinted and row["origin"] in TRIED,
            length=len(text),
            reflections=[Reflection(**one) for one in row["reflections"]],
            course=Course(**row["course"]),
            granularity=_granularity(**row["granularity"]),
            approaches=row["approaches"],
        )
        for row, (status, hinted, text) in zip(table.select(COLUMNS).to_pylist(), others, strict=True)
    ]


def _granularity(languages: list[dict[str, Any]], **others: Any) -> Granularity:
    return Granularity(languages=[LanguageShare(**one) for one in languages], **others)
