"""The labelled passages and windows that the tagger is measured by."""

import json
from pathlib import Path
from typing import Any

from benchmarks.reflection_tags import FOLDER
from schemas.annotation import LABELS


def _rows(pattern: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in sorted(Path(FOLDER).glob(pattern)) for line in file.read_text("utf-8").splitlines()]


DEVELOPMENT, TEST, WINDOWS = _rows("development*.jsonl"), _rows("test*.jsonl"), _rows("windows.jsonl")


def test_passages_are_well_formed() -> None:
    passages = DEVELOPMENT + TEST
    assert len({row["id"] for row in passages}) == len({row["text"] for row in passages}) == len(passages)
    for row in passages:
        assert row["language"] in ("en", "zh", "mixed") and row["kind"] in ("marked", "unmarked", "negative")
        assert bool(row["labels"]) == (row["kind"] != "negative")
        for one in row["labels"]:
            span = row["text"][one["start"] : one["end"]]
            assert one["label"] in LABELS and span and span == span.strip()


def test_halves_share_no_family_and_half_of_the_test_half_is_hard() -> None:
    assert len(TEST) >= 200 and len(DEVELOPMENT) >= 200
    # The third file of negatives takes up themes of the test half, in other texts: what looks like a reflection in plain solutions.
    apart = {row["family"] for row in DEVELOPMENT if not row["id"].startswith("neg3-")}
    assert apart.isdisjoint(row["family"] for row in TEST)
    for language in ("en", "zh"):
        kinds = [row["kind"] for row in TEST if row["language"] == language]
        assert sum(kind != "marked" for kind in kinds) >= 0.48 * len(kinds) and len(kinds) >= 100


def test_windows_are_places_and_labels_alone() -> None:
    assert len(WINDOWS) >= 200
    for row in WINDOWS:
        assert set(row) == {"row", "start", "end", "split", "labels"} and row["split"] in ("dev", "test")
        for one in row["labels"]:
            assert set(one) == {"label", "start", "end"} and one["label"] in LABELS
            assert row["start"] <= one["start"] < one["end"] <= row["end"]
