from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.teachers.teacher import Recorded
from pipeline import spool
from pipeline.spool import Spool
from schemas.tables import RECORDED_SCHEMA, table_of

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3000)), max_size=30)


def _row(number: int) -> Recorded:
    return Recorded(f"p{number}", "main", "é" * number, "", None if number % 2 else "stop")


@pytest.mark.parametrize("buffer_bytes", [1, 3000, 10_000, spool.BUFFER_BYTES])
@settings(max_examples=50, deadline=None)
@given(rows=ROWS)
def test_rows_come_back_in_the_order_in_which_they_came(
    tmp_path_factory: pytest.TempPathFactory, buffer_bytes: int, rows: list[tuple[int, int]]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spool, "BUFFER_BYTES", buffer_bytes)
        spooled = Spool(str(tmp_path_factory.mktemp("spool") / "in"), RECORDED_SCHEMA)
        for number, (partition, text_bytes) in enumerate(rows):
            spooled.add(partition, _row(number), text_bytes)
        for partition in range(5):
            wanted = [_row(number) for number, (where, _) in enumerate(rows) if where == partition]
            table = spooled.table(partition)
            assert table.schema == RECORDED_SCHEMA
            assert table.to_pylist() == table_of(wanted, RECORDED_SCHEMA).to_pylist()


def test_rows_that_come_after_a_partition_was_read_are_added_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BUFFER_BYTES", 2 * spool.ROW_OVERHEAD_BYTES)
    spooled = Spool(str(tmp_path), RECORDED_SCHEMA)
    for number in range(5):
        spooled.add(0, _row(number), 0)
        assert spooled.table(0)["problem_id"].to_pylist() == [f"p{before}" for before in range(number + 1)]


def test_memory_holds_no_more_than_the_buffer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "BUFFER_BYTES", 5000)
    spooled = Spool(str(tmp_path), RECORDED_SCHEMA)
    for number in range(109):
        spooled.add(number % 7, _row(number), 200)
    on_disk = sum(len(Spool(str(tmp_path), RECORDED_SCHEMA).table(partition)) for partition in range(7))
    assert 109 - 5 < on_disk <= 109
    assert sum(spooled.table(partition).num_rows for partition in range(7)) == 109


def test_a_spool_that_fits_the_buffer_writes_no_file(tmp_path: Path) -> None:
    spooled = Spool(str(tmp_path / "in"), RECORDED_SCHEMA)
    spooled.add(0, _row(1), 10)
    assert list((tmp_path / "in").iterdir()) == [] and spooled.table(0).num_rows == 1
