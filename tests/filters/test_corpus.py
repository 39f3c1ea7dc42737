import collections
import itertools
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.corpus import Row, find
from filters.signatures import signatures
from schemas.annotation import Duplicate

THRESHOLD, WITHIN = 0.8, 0.7
WORDS = [f"{start}{end}" for start in ("ka", "lo", "mi", "ru", "te") for end in ("na", "po", "si", "tu", "we", "zo")]


def _shingles(text: str) -> set[tuple[str, ...]]:
    found = re.findall(r"[a-z0-9]+", text.lower())
    return {tuple(found[start : start + 5]) for start in range(max(1, len(found) - 4))} if found else set()


def _jaccard(one: str, other: str) -> float:
    a, b = _shingles(one), _shingles(other)
    return len(a & b) / len(a | b) if a | b else 0.0


def _numbers_alike(one: str, other: str) -> bool:
    found = [re.findall(r"\d+", text) for text in (one, other)]
    a, b = map(collections.Counter, found)
    return not (a or b) or (found[0][-1:] == found[1][-1:] and (a & b).total() / (a | b).total() >= 0.8)


def _surely_found(one: str, other: str) -> bool:
    """Return whether the estimate, too, says that two texts are near: pairs far below the threshold are not compared."""
    slots = signatures([one, other])
    return float(np.mean(slots[0] == slots[1])) >= THRESHOLD


def _is_copy(one: Row, other: Row) -> bool:
    answers = None in (one.answer, other.answer) or one.answer == other.answer
    threshold = WITHIN if None is not one.group == other.group else THRESHOLD
    return answers and _jaccard(one.text, other.text) >= threshold and _numbers_alike(one.text, other.text)


def _better(one: Row, other: Row) -> bool:
    return (-one.quality, one.answer is None, len(one.text)) <= (-other.quality, other.answer is None, len(other.text))


@st.composite
def _near_copies(draw: st.DrawFn) -> list[Row]:
    """Return rows that are edits of a few texts: words changed, a number changed, nothing changed but case and space."""
    rng = random.Random(draw(st.integers(0, 10_000)))
    bases = [[rng.choice(WORDS) if place % 7 else str(rng.randrange(100)) for place in range(40)] for _ in range(2)]
    rows = []
    for number in range(draw(st.integers(0, 8))):
        text = list(draw(st.sampled_from(bases)))
        for place in draw(st.lists(st.integers(0, 39), max_size=3)):
            text[place] = draw(st.sampled_from(["x", "7"]))
        joined = draw(st.sampled_from([" ", "  "])).join(text)
        rows.append(
            Row(
                id=f"id{number}",
                text=draw(st.sampled_from([joined, joined.upper()])),
                group=draw(st.sampled_from([None, "g"])),
                answer=draw(st.sampled_from([None, "4", "5"])),
                quality=draw(st.sampled_from([0.0, 1.0])),
            )
        )
    return rows


def _by_id(rows: list[Row]) -> dict[str, Duplicate | None]:
    return {row.id: found for row, found in zip(rows, find(rows, THRESHOLD), strict=True)}


@settings(max_examples=60, derandomize=True, deadline=None)
@given(_near_copies(), st.randoms())
def test_every_removed_row_has_a_kept_copy_and_no_two_kept_rows_are_copies(rows: list[Row], rng: random.Random) -> None:
    found = _by_id(rows)
    by_id = {row.id: row for row in rows}
    kept = {row.id for row in rows if found[row.id] is None}
    for row_id, duplicate in found.items():
        if duplicate is None:
            continue
        assert duplicate.kept_id in kept
        row, keeper = by_id[row_id], by_id[duplicate.kept_id]
        assert _is_copy(row, keeper) and _better(keeper, row)
        assert duplicate.jaccard == pytest.approx(_jaccard(row.text, keeper.text))
        assert duplicate.kind != "exact" or (row.text.lower().split() == keeper.text.lower().split() and duplicate.jaccard == 1)
    for one, other in itertools.combinations([row for row in rows if row.id in kept], 2):
        if None is not one.group == other.group and _surely_found(one.text, other.text):
            assert not _is_copy(one, other), (one, other)
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert _by_id(shuffled) == found


def _text(seed: int, length: int = 60) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(WORDS) + rng.choice(WORDS) for _ in range(length)]


def _edited(text: list[str], *places: int) -> list[str]:
    return ["changed" if place in places else word for place, word in enumerate(text)]


def test_copies_are_found_by_their_bands_alone() -> None:
    rows = [
        Row(f"{seed} {kind}", " ".join(text))
        for seed in range(150)
        for kind, text in (("a", _text(seed)), ("b", _edited(_text(seed), 30)))
    ]
    found = _by_id(rows)
    removed = {row_id: one.kept_id for row_id, one in found.items() if one is not None}
    assert all(one.split()[0] == other.split()[0] for one, other in removed.items())
    assert len(removed) == 150
    assert all(one.kind == "near" and one.jaccard == pytest.approx(51 / 61) for one in found.values() if one is not None)


def test_exact_copies_are_told_from_near_ones() -> None:
    text = " ".join(_text(1))
    rows = [Row("a", text), Row("b", f" {text.upper()}\n"), Row("c", f"{text} and then some")]
    assert find(rows, THRESHOLD) == [None, Duplicate("exact", "a", 1.0), Duplicate("near", "a", 56 / 59)]


@pytest.mark.parametrize("text", ["", " ", "...", "4", "so 4"])
def test_short_and_empty_texts_are_copies_only_of_themselves(text: str) -> None:
    rows = [Row("a", text), Row("b", text), Row("c", "?!"), Row("d", "so five")]
    assert find(rows, THRESHOLD) == [None, Duplicate("exact", "a", 1.0), None, None]


def test_nothing_and_one_row_have_no_copies() -> None:
    assert find([], THRESHOLD) == []
    assert find([Row("a", "text", group="g", answer="4")], THRESHOLD) == [None]


def test_rows_with_other_answers_are_no_copies() -> None:
    text = " ".join(_text(2))
    assert find([Row("a", text, answer="4"), Row("b", text, answer="5")], THRESHOLD) == [None, None]
    assert find([Row("a", text, answer="4"), Row("b", text, answer="4")], THRESHOLD)[1] == Duplicate("exact", "a", 1.0)
    assert find([Row("a", text, answer="4"), Row("b", text, answer=" 4\n")], THRESHOLD)[1] == Duplicate("exact", "a", 1.0)
    unknown = find([Row("a", text, answer="4"), Row("b", text), Row("c", text, answer="5")], THRESHOLD)
    assert unknown[0] is None and unknown[1] is not None and unknown[2] is None


@pytest.mark.parametrize("text", ["!!!", "x", " ".join(["so", "it", "is"] * 20)])
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_row_without_an_answer_is_an_exact_copy_of_the_same_text_with_any(text: str, order: tuple[int, ...]) -> None:
    rows = [Row("a", text, answer="4"), Row("b", text), Row("c", text, answer="5"), Row("d", f" {text}")]
    found = _by_id([rows[place] for place in order])
    assert found["a"] is None and found["c"] is None
    for one in (found["b"], found["d"]):
        assert one is not None and one.kind == "exact" and one.kept_id in ("a", "c")


def _with_numbers(numbers: list[int]) -> str:
    text = _text(3, 100)
    return " ".join([*text[:50], *(f"{number}" for number in numbers), *text[50:]])


def test_rows_with_other_numbers_are_no_copies() -> None:
    first, reworded, changed = _with_numbers([12, 30, 42]), _with_numbers([12, 30, 42]) + " done", _with_numbers([17, 30, 47])
    assert _jaccard(first, changed) >= THRESHOLD
    found = _by_id([Row("a", first, group="g"), Row("b", reworded, group="g"), Row("c", changed, group="g")])
    assert found["b"] is not None and found["b"].kept_id == "a" and found["c"] is None


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_quality_decides_then_the_shorter_text_then_a_hash_of_the_id(order: tuple[int, ...]) -> None:
    text = " ".join(_text(4))

    def kept(*rows: Row) -> set[str]:
        shuffled = [rows[place] for place in order]
        return {row.id for row, found in zip(shuffled, find(shuffled, THRESHOLD), strict=True) if found is None}

    assert kept(Row("a", text), Row("b", text + " at last", quality=0.5), Row("c", text + "!")) == {"b"}
    assert kept(Row("a", text + "   so"), Row("b", text + "  "), Row("c", text)) == {"c"}
    assert len(kept(Row("b", text), Row("a", text), Row("c", text))) == 1
    assert kept(Row("b", text), Row("a", text), Row("c", text)) == kept(Row("c", text), Row("b", text), Row("a", text))


def test_a_row_is_not_removed_through_a_row_that_is_itself_removed() -> None:
    text = _text(5)
    best, between, far = text, _edited(text, 10), _edited(text, 10, 40)
    assert _jaccard(" ".join(best), " ".join(between)) >= THRESHOLD <= _jaccard(" ".join(between), " ".join(far))
    assert _jaccard(" ".join(best), " ".join(far)) < THRESHOLD
    rows = [
        Row("a", " ".join(best), "g", quality=2),
        Row("b", " ".join(between), "g", quality=1),
        Row("c", " ".join(far), "g", quality=0),
    ]
    found = _by_id(rows)
    assert found["a"] is None and found["c"] is None and found["b"] is not None and found["b"].kept_id == "a"
    middle = _by_id([row._replace(quality=9) if row.id == "b" else row for row in rows])
    assert {row_id: one and one.kept_id for row_id, one in middle.items()} == {"a": "b", "b": None, "c": "b"}


def test_an_exact_copy_of_a_removed_row_points_at_the_kept_row() -> None:
    text = _text(6)
    rows = [Row("a", " ".join(text), quality=1), Row("b", " ".join(_edited(text, 9))), Row("c", " ".join(_edited(text, 9)))]
    found = _by_id(rows)
    assert found["b"] == found["c"] and found["b"] is not None and (found["b"].kind, found["b"].kept_id) == ("near", "a")


def test_the_nearest_kept_row_stands_for_a_removed_one() -> None:
    text = _text(7)
    rows = [
        Row("far", " ".join(_edited(text, 10, 30)), "g", quality=2),
        Row("near", " ".join(_edited(text, 30, 58)), "g", quality=1),
        Row("x", " ".join(_edited(text, 30)), "g"),
    ]
    found = {row.id: one for row, one in zip(rows, find(rows, THRESHOLD, THRESHOLD), strict=True)}
    assert found["far"] is None and found["near"] is None and found["x"] is not None and found["x"].kept_id == "near"


@pytest.mark.parametrize(("group", "removed"), [(None, 0), ("g", 1)])
def test_rows_of_a_group_are_compared_although_no_band_is_equal(group: str | None, removed: int) -> None:
    text = _text(36, 50)  # one of the few whose edit, 41 of 51 shingles alike, shares none of the twenty bands
    rows = [Row("a", " ".join(text), group), Row("b", " ".join(_edited(text, 25)), group)]
    assert sum(one is not None for one in find(rows, THRESHOLD, THRESHOLD)) == removed


@pytest.mark.parametrize(("threshold", "removed"), [(0.83, 1), (0.84, 0)])
def test_the_threshold_is_the_exact_similarity(threshold: float, removed: int) -> None:
    text = _text(8)  # 51 of 61 shingles are shared
    rows = [Row("a", " ".join(text), "g"), Row("b", " ".join(_edited(text, 30)), "g")]
    assert sum(one is not None for one in find(rows, threshold, threshold)) == removed


def test_a_pair_exactly_at_the_threshold_is_a_copy() -> None:
    words = _text(9, 13)
    one, other = " ".join(words[:12]), " ".join(words)
    assert _jaccard(one, other) == 8 / 9
    assert find([Row("a", one, "g"), Row("b", other, "g")], 8 / 9)[1] is not None


@pytest.mark.parametrize(("one", "other"), [("x = -5", "x = 5"), ("2 + 3", "2 - 3"), ("2 * 3 < 9", "2 * 3 > 9")])
def test_other_signs_and_operators_are_no_copies(one: str, other: str) -> None:
    assert find([Row("a", one), Row("b", other)], 0.8) == [None, None]
