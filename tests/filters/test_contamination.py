"""What is found of a benchmark's items, held against a plain definition of overlap and run."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark_index import COMMON_ITEMS, GRAM_WORDS, LEAST_WORDS, MOST_NUMBERS, BenchmarkIndex, Item
from filters.contamination import RUN_WORDS, SHARE, VARIANTS, contamination
from filters.latex_words import MASK, spelled
from filters.shingles import words
from schemas.annotation import Contamination
from tests.linear_time import assert_linear

QUESTION = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?"


def items(*texts: str, benchmark: str = "test") -> list[Item]:
    return [Item(benchmark, str(row), text) for row, text in enumerate(texts, start=1)]


def found(text: str, *texts: str) -> list[tuple[str, str]]:
    """Return the items that a text holds, with their kind."""
    return [(hit.item, hit.kind) for hit in contamination([text], BenchmarkIndex.of(items(*texts)))[0]]


def test_a_hit_says_all_that_it_knows() -> None:
    index = BenchmarkIndex.of(items(QUESTION))
    half = "Then: a robe takes 2 bolts of blue fiber and half that much red silk."
    assert contamination([QUESTION, half, "A robe takes 2 bolts of red fiber."], index, "chain") == [
        [Contamination("test", "1", "copy", 1.0, 22, "chain")],
        [Contamination("test", "1", "copy", 12 / 22, 12, "chain")],
        [],
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (QUESTION.upper().replace(" ", "\n  "), "copy"),
        (QUESTION.replace("2", "$2$").replace(".", "").replace("?", " ?"), "copy"),
        (QUESTION.replace("2", "two"), "copy"),
        (QUESTION.replace("2", "3"), "variant"),
        (QUESTION.replace("2", "a dozen"), "copy"),  # the words around it are enough, and no number of theirs is another
        (f"Question 5. {QUESTION}\nAnswer: 3", "copy"),
        (QUESTION.replace("robe", "coat").replace("fiber", "wool"), None),
    ],
)
def test_reformatted_and_renumbered(text: str, kind: str | None) -> None:
    assert found(text, QUESTION) == ([] if kind is None else [("1", kind)])


def test_short_items_are_matched_whole_and_the_shortest_alone() -> None:
    short, shortest = "What is 6 × 7?", "Find $x$."
    assert found("Tell me: what is $6 \\cdot 7$, please?", short, shortest) == [("1", "copy")]
    for other in ("What is 6 × 8?", "What is 6 + 7?", "What is 6 7", "What was 6 × 7?", "Now find x."):
        assert found(other, short, shortest) == []
    assert found("find \\(x\\)", short, shortest) == [("2", "copy")]
    assert found("...", short, shortest) == []


def test_items_that_are_the_same_are_one_in_a_benchmark() -> None:
    assert found(QUESTION, QUESTION, QUESTION.lower()) == [("1", "copy")]
    both = BenchmarkIndex.of([*items(QUESTION, "Find x"), *items(QUESTION, "find x", benchmark="other")])
    assert [hit.benchmark for hit in contamination([QUESTION], both)[0]] == ["test", "other"]
    assert [hit.benchmark for hit in contamination(["find x"], both)[0]] == ["test", "other"]


def test_boilerplate_of_many_items_makes_no_run() -> None:
    shared = "can be written as m/n where m and n are relatively prime positive integers find m + n"
    asked = [" ".join(f"{row}{letter}" for letter in "abcdefghijklmnopqrst") for row in "opqrstuvwxyz"]
    text = f"The chance of rain {shared}"
    assert found(text, *(f"{one} {shared}" for one in asked[:COMMON_ITEMS])) != []
    assert found(text, *(f"{one} {shared}" for one in asked)) == []
    counts = [BenchmarkIndex.of(items(*(f"{one} {shared}" for one in part))).boilerplate for part in (asked[:COMMON_ITEMS], asked)]
    assert counts == [0, len(words(spelled(shared).exact)) - GRAM_WORDS + 1]
    assert found(f"{asked[3]} {shared}", *(f"{one} {shared}" for one in asked)) == [("4", "copy")]


def test_of_many_variants_the_nearest_are_named_and_no_copy_is_left_out() -> None:
    template = "Anna buys {} pens and {} books and each of the pens costs 3 coins so what does she pay"
    hits = found(template.format(7, 9), *(template.format(number, number + 2) for number in range(1, 40)))
    assert hits.count(("7", "copy")) == 1 and len(hits) == VARIANTS + 1


def test_rows_of_numbers_are_no_item() -> None:
    table = " ".join(map(str, range(1, 40)))
    assert found(" ".join(map(str, range(100, 180))), f"Add up the numbers {table}") == []
    assert found(f"here: {table}", f"Add up the numbers {table}") == [("1", "copy")]


VOCABULARY = [*"abc", "1", "2", "three", "+ 4", "x"]
TEXTS = st.lists(st.sampled_from(VOCABULARY), min_size=0, max_size=40).map(" ".join)
LONG = st.sampled_from([[*"abcdefgh"], [*"abcdefgh", "1", "2", "3.5", "\\frac{1}{2}"]]).flatmap(
    lambda vocabulary: st.lists(st.sampled_from(vocabulary), min_size=GRAM_WORDS, max_size=40).map(" ".join)
)
SIZED = st.lists(st.sampled_from([*"abcdefgh", "1", "2", "3.5"]), min_size=LEAST_WORDS, max_size=20).map(" ".join)


@given(SIZED, TEXTS, TEXTS)
def test_an_item_is_found_wherever_it_stands(item: str, before: str, after: str) -> None:
    assert ("1", "copy") in found(f"{before}. {item}. {after}", item)


@given(st.lists(st.sampled_from([*"abcdefgh", "7 i", "12.5 j"]), min_size=GRAM_WORDS, max_size=30), TEXTS)
def test_an_item_with_all_numbers_changed_is_a_variant(said: list[str], around: str) -> None:
    item = " ".join(said)
    changed = item.replace("7", "8").replace("12.5", "1,250")
    hits = contamination([f"{around}. {changed}. {around}"], BenchmarkIndex.of(items(item)))[0]
    assert [(hit.kind, hit.overlap) for hit in hits] == [("variant" if changed != item else "copy", 1.0)]


NUMBER_WORDS = {"three": "3"}


def grams(text: str) -> list[tuple[str, ...]]:
    """Return the runs of eight words, numbers masked where they are at most half of a run."""
    both = spelled(text)
    exact, masked = ([NUMBER_WORDS.get(word, word) for word in words(one)] for one in both)
    masked = [MASK if word in NUMBER_WORDS.values() else word for word in masked]
    runs = [slice(first, first + GRAM_WORDS) for first in range(len(masked) - GRAM_WORDS + 1)]
    return [tuple(exact[run] if masked[run].count(MASK) > MOST_NUMBERS else masked[run]) for run in runs]


def overlap_and_run(text: str, item: str) -> tuple[float, int]:
    """Return the two by their definition."""
    held, total = set(grams(text)), len(grams(item)) + GRAM_WORDS - 1
    covered, row, longest = set[int](), 0, 0
    for first, gram in enumerate(grams(item)):
        row = row + 1 if gram in held else 0
        longest = max(longest, row)
        covered |= set(range(first, first + GRAM_WORDS)) if gram in held else set()
    return len(covered) / total, longest + GRAM_WORDS - 1 if longest else 0


@given(st.lists(LONG, min_size=1, max_size=6, unique=True), st.lists(TEXTS | LONG, min_size=1, max_size=6), st.data())
def test_overlap_and_run_are_as_defined(benchmark: list[str], texts: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.sampled_from(benchmark))
    first = data.draw(st.integers(0, len(cut)))
    texts = [*texts, cut[first:], cut[: first + 16]]
    index = BenchmarkIndex.of(items(*benchmark))
    for text, hits in zip(texts, contamination(texts, index), strict=True):
        measured = {int(hit.item): (hit.overlap, hit.longest_run) for hit in hits}
        for row, item in enumerate(benchmark, start=1):
            overlap, run = overlap_and_run(text, item)
            assert row not in measured or measured[row] == pytest.approx((overlap, run))
            if row in measured or not any(map(str.isdigit, item)):  # of items with numbers, some are variants with too few words
                assert (row in measured) == (overlap >= SHARE or run >= RUN_WORDS)
            if not set(grams(text)) & set(grams(item)):
                assert row not in measured


@given(st.lists(LONG, min_size=2, max_size=5, unique=True), st.lists(TEXTS | LONG, max_size=5))
def test_neither_the_order_of_items_nor_of_texts_matters(benchmark: list[str], texts: list[str]) -> None:
    texts = [*texts, *benchmark]
    both = items(*benchmark)

    def hits_of(index: BenchmarkIndex, texts: Sequence[str]) -> dict[str, set[Contamination]]:
        return {text: set(hits) for text, hits in zip(texts, contamination(texts, index), strict=True)}

    expected = hits_of(BenchmarkIndex.of(both), texts)
    assert expected == hits_of(BenchmarkIndex.of(both[::-1]), texts[::-1])
    assert expected == {text: set(contamination([text], BenchmarkIndex.of(both))[0]) for text in texts}


@pytest.mark.parametrize("unit", ["a robe takes 2 bolts of blue fiber and half ", "2 ", "a ", "a robe ", "What is 6 × 7? ", "水"])
def test_time_is_linear(unit: str) -> None:
    index = BenchmarkIndex.of(items(QUESTION, "What is 6 × 7?", "2 " * 50, "a " * 50, "水" * 50))
    assert_linear(lambda text: contamination([text], index), unit * 1_000, unit * 10_000)
