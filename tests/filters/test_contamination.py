"""What is found of a benchmark's items, held against a plain definition of overlap and run."""

import collections
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.benchmark_index import COMMON_ITEMS, GRAM_WORDS, LEAST_ITEMS, LEAST_WORDS, MOST_NUMBERS, BenchmarkIndex, Item
from filters.contamination import RUN_WORDS, SHARE, VARIANTS, contamination
from filters.latex_words import MASK, spelled
from filters.shingles import words
from schemas.annotation import Contamination
from tests.linear_time import assert_linear, seconds

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


INSTRUCTION = "Please reason step by step, and put your final answer within \\boxed{}."
ASKED = [" ".join(f"{row}{letter}" for letter in "abcdefghijklmnopqrst") for row in "opqrstuvwxyz"]


@pytest.mark.parametrize("count", [LEAST_ITEMS, COMMON_ITEMS, len(ASKED)])
def test_words_around_every_item_make_no_hit(count: int) -> None:
    benchmark = [f"{one} {INSTRUCTION}" for one in ASKED[:count]]
    assert found(f"The chance of rain. {INSTRUCTION}", *benchmark) == []
    assert found(f"What is 6 times 7? {INSTRUCTION}", *(f"What is {row} plus 5? {INSTRUCTION}" for row in range(count))) == []
    assert found(benchmark[3], *benchmark) == found(ASKED[3], *benchmark) == [("4", "copy")]
    index = BenchmarkIndex.of(items(*benchmark))
    hit = contamination([benchmark[3]], index)[0][0]
    assert (hit.overlap, hit.longest_run) == (1.0, 20)  # of its own words
    assert index.boilerplate == len(words(INSTRUCTION)) - GRAM_WORDS + 1 and index.without_own == []


def test_what_few_items_share_is_theirs() -> None:
    benchmark = [f"{one} {INSTRUCTION}" for one in ASKED[: LEAST_ITEMS - 1]]
    assert BenchmarkIndex.of(items(*benchmark)).boilerplate == 0
    many = [*items(*benchmark), *items(*ASKED[3:], benchmark="other")]
    assert BenchmarkIndex.of(many).boilerplate == 0


def test_a_question_that_many_benchmarks_have_is_found() -> None:
    names = [f"benchmark {number}" for number in range(COMMON_ITEMS + 2)]
    index = BenchmarkIndex.of([item for name in names for item in items(QUESTION, benchmark=name)])
    hits = contamination([f"Well: {QUESTION}"], index)[0]
    assert index.boilerplate == 0 and [(hit.benchmark, hit.kind, hit.overlap) for hit in hits] == [
        (name, "copy", 1) for name in names
    ]


def test_what_cannot_be_told_from_an_instruction_is_named() -> None:
    languages = ("French", "German", "Latin", "Greek", "Thai")
    asked = BenchmarkIndex.of(items(*(f"{QUESTION} Reply in {language}." for language in languages), ASKED[0]))
    assert contamination([QUESTION], asked)[0] == [] and asked.without_own == []
    assert asked.with_few_own == [("test", str(row)) for row in range(1, 6)]
    few = [*items(*(f"{one} {INSTRUCTION}" for one in ASKED[:3])), *items(*ASKED[3:], benchmark="other")]
    assert BenchmarkIndex.of(few).too_few == ("test",) and BenchmarkIndex.of(few).with_few_own == []
    assert BenchmarkIndex.of(items(*ASKED[:3])).too_few == () == BenchmarkIndex.of(few[:1]).too_few


def test_an_item_of_nothing_but_common_words_is_found_as_a_whole_text_and_said() -> None:
    benchmark = [INSTRUCTION, *(f"{one} {INSTRUCTION}" for one in ASKED)]
    assert BenchmarkIndex.of(items(*benchmark)).without_own == [("test", "1")]
    assert found(INSTRUCTION.upper(), *benchmark) == [("1", "copy")]
    assert found(f"Hello. {INSTRUCTION}", *benchmark) == []


def test_items_put_together_of_common_clauses_are_found() -> None:
    clauses = [f"on day {row} the {row} men of the {name} town walk home" for row, name in enumerate(ASKED[0].split()[:14])]
    benchmark = [f"{one}. {other}" for one in clauses for other in clauses]
    assert ("18", "copy") in found(benchmark[17], *benchmark)
    assert BenchmarkIndex.of(items(*benchmark)).without_own == []


def test_without_any_of_its_numbers_an_item_is_a_copy_by_nearly_all_of_its_words() -> None:
    item = f"Tom has 3 pens and 4 books. {QUESTION.replace('2 bolts', 'some')} He pays 8 coins."
    assert found(QUESTION.replace("2 bolts", "some"), item) == [("1", "variant")]
    assert found(f"Tom has 3 pens. {QUESTION.replace('2 bolts', 'some')}", item.replace(" and 4 books", "")) == [("1", "copy")]
    plain = QUESTION.replace("2 bolts", "some")
    assert found("A robe takes some of blue fiber and half that much red silk", plain) == [("1", "copy")]


def test_of_many_variants_the_nearest_are_named_and_no_copy_is_left_out() -> None:
    template = "Anna buys {} pens and {} books and each of the pens costs 3 coins so what does she pay"
    hits = found(template.format(7, 9), *(template.format(number, number + 2) for number in range(1, 40)))
    assert hits.count(("7", "copy")) == 1 and len(hits) == VARIANTS + 1


def test_items_of_one_template_are_measured_at_once() -> None:
    asked = [f"A farmer has {row} hens and sells {7 * row} of them every day. How much does he earn?" for row in range(4_000)]
    index = BenchmarkIndex.of(items(*asked))
    hits = contamination([asked[17]], index)[0]
    assert ("18", "copy") in {(hit.item, hit.kind) for hit in hits} and len(hits) == 1 + VARIANTS
    made = seconds(lambda: BenchmarkIndex.of(items(*asked)))  # one by one they would take several times as long as the index
    assert seconds(lambda: contamination([asked[17]], index)) < made


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


def grams(text: str) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the runs of eight words, numbers masked where they are at most half of a run, and with their numbers."""
    both = spelled(text)
    exact, masked = ([NUMBER_WORDS.get(word, word) for word in words(one)] for one in both)
    masked = [MASK if word in NUMBER_WORDS.values() else word for word in masked]
    runs = [slice(first, first + GRAM_WORDS) for first in range(len(masked) - GRAM_WORDS + 1)]
    return [(tuple(exact[run] if masked[run].count(MASK) > MOST_NUMBERS else masked[run]), tuple(exact[run])) for run in runs]


def common_grams(benchmark: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the grams that over half of a benchmark's different items have; it has few."""
    different = {tuple(exact for _, exact in grams(item)): item for item in benchmark}.values()
    holders = collections.Counter(gram for item in different for gram in {exact for _, exact in grams(item)})
    return {gram for gram, count in holders.items() if len(different) >= LEAST_ITEMS and count > len(different) / 2}


def overlap_and_run(text: str, item: str, common: set[tuple[str, ...]]) -> tuple[float, int]:
    """Return the two by their definition."""
    held = {masked for masked, _ in grams(text)}
    mine, around, loose = grams(item), set[int](), set[int]()
    for first, (_, exact) in enumerate(mine):
        (around if exact in common else loose).update(range(first, first + GRAM_WORDS))
    own = set(range(len(mine) + GRAM_WORDS - 1)) - around or loose
    covered, row, longest = set[int](), set[int](), 0
    for first, (masked, exact) in enumerate(mine):
        row = row | own & set(range(first, first + GRAM_WORDS)) if masked in held and exact not in common else set()
        longest = max(longest, len(row))
        covered |= row
    return len(covered) / max(len(own), 1), longest


@given(st.lists(LONG, min_size=1, max_size=6, unique=True), st.lists(TEXTS | LONG, min_size=1, max_size=6), st.data())
def test_overlap_and_run_are_as_defined(benchmark: list[str], texts: list[str], data: st.DataObject) -> None:
    cut = data.draw(st.sampled_from(benchmark))
    if data.draw(st.booleans()):
        benchmark = [f"{item} {INSTRUCTION}" for item in benchmark]
    first = data.draw(st.integers(0, len(cut)))
    texts = [*texts, cut[first:], cut[: first + 16]]
    index, common = BenchmarkIndex.of(items(*benchmark)), common_grams(benchmark)
    assert index.boilerplate == len(common)
    for text, hits in zip(texts, contamination(texts, index), strict=True):
        measured = {int(hit.item): (hit.overlap, hit.longest_run) for hit in hits}
        for row, item in enumerate(benchmark, start=1):
            if ("test", str(row)) not in index.items or ("test", str(row)) in index.without_own:
                continue
            overlap, run = overlap_and_run(text, item, common)
            assert row not in measured or measured[row] == pytest.approx((overlap, run))
            if row in measured or not any(map(str.isdigit, item)):  # of items with numbers, some are variants with too few words
                assert (row in measured) == (overlap >= SHARE or run >= RUN_WORDS)


@given(st.lists(LONG, min_size=2, max_size=5, unique=True), st.lists(TEXTS | LONG, max_size=5))
def test_neither_the_order_of_items_nor_of_texts_matters(benchmark: list[str], texts: list[str]) -> None:
    texts = [*texts, *benchmark]
    both = items(*benchmark)

    def hits_of(index: BenchmarkIndex, texts: Sequence[str]) -> dict[str, set[Contamination]]:
        return {text: set(hits) for text, hits in zip(texts, contamination(texts, index), strict=True)}

    expected = hits_of(BenchmarkIndex.of(both), texts)
    assert expected == hits_of(BenchmarkIndex.of(both[::-1]), texts[::-1])
    assert expected == {text: set(contamination([text], BenchmarkIndex.of(both))[0]) for text in texts}


@pytest.mark.load
@pytest.mark.parametrize("unit", ["a robe takes 2 bolts of blue fiber and half ", "2 ", "a ", "a robe ", "What is 6 × 7? ", "水"])
def test_time_is_linear(unit: str) -> None:
    index = BenchmarkIndex.of(items(QUESTION, "What is 6 × 7?", "2 " * 50, "a " * 50, "水" * 50))
    assert_linear(lambda text: contamination([text], index), unit * 1_000, unit * 10_000)
