"""What rows are compared by holds all that decides which of them are kept."""

import numpy as np
import pyarrow.compute as pc
import pytest

from filters.balance import by_pattern
from filters.checkers import CHECKERS
from filters.selection import NOT_DUPLICATE, RULES, eligible, select
from pipeline.annotate import annotate
from pipeline.release import with_duplicates
from pipeline.slices import ORDER_COLUMNS, ordered
from schemas.recipe import Balance, Condition, Select
from schemas.sample import SAMPLE_SCHEMA
from schemas.tables import table_of
from tests.builders import a_problem, a_sample

SAMPLES = [a_sample(index=index, reasoning=f"Wait, {index} + 42 is {index + 42}. So it is 42.") for index in range(4)]
TABLE = annotate({a_problem().problem_id: a_problem()}, table_of(SAMPLES, SAMPLE_SCHEMA), CHECKERS)
BOUNDS = Select(
    reflections=(Condition(max=9),),
    max_loops=1.0,
    max_skipped=1.0,
    max_overthinking=1.0,
    min_tokens=1,
    max_tokens=99,
    prefer="diverse",
)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_finds_its_columns_before_copies_are_told(name: str) -> None:
    settings = BOUNDS.model_copy(update={"keep": (name, NOT_DUPLICATE), "max_per_problem": 2})
    compared = ordered(TABLE.select(ORDER_COLUMNS), settings)
    passing = eligible(TABLE, settings)
    assert np.count_nonzero(compared.turn >= 0) == np.count_nonzero(passing) and sorted(compared.row.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("by", ["labels", "approaches", "effects"])
def test_every_pattern_finds_its_columns_there_too(by: str) -> None:
    table = with_duplicates(TABLE.select(ORDER_COLUMNS), {})
    kept = table.filter(pc.is_null(select(table, BOUNDS)))
    drawn = by_pattern(kept, Balance.model_validate({"by": by, "ratio": 2.0}), 1)
    assert sum(map(len, drawn.values())) == kept.num_rows == 4
