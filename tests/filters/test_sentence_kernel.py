"""That the compiled kernel of the tagger says what the tagger says without it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reflection_tags import ADVERSARIAL, FOLDER
from filters import reflections, sentence_kernel
from filters.reflection_rules import _table, guards, rules
from filters.reflections import tag
from filters.sentence_rules import sentence_rules
from filters.sentences import lowered, masked, sentences
from tests.linear_time import assert_linear

pytestmark = pytest.mark.load  # compiling takes ten seconds, once a machine

PIECES = [
    *("wait", "let me", "check", "recheck", "so", "then", "the", "i", "a", "that", "because", "alternatively", "e.g", "vs"),
    *("approx", " ", "  ", "\n", "\t", ", ", ". ", ".", "!", "?", "...", "…", "。", "，", "’", "“", ")", "]", "*", "- ", "— "),
    *("_", "°", "≤", "✓", "？", "\\", "\0", "`", "'", '"', "=", "3", "12.5", "1,000", "３", "x", "é", "\u2003", "𝑥", "\ud800"),
    *("1. ", " is ", "meters", "\x1c", "\x1d", "\x1e", "\x1f", "\x0b", "\x85", "\u200b"),
]
texts = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
EXAMPLES = [
    *(text for rule in rules() for text in (*rule.positive, *rule.negative)),
    *(text for guard in guards() for text in (*guard.hides, *guard.keeps)),
]


def passages() -> list[str]:
    files = sorted(Path(FOLDER).glob("development*.jsonl"))
    return [json.loads(line)["text"] for file in files for line in file.read_text("utf-8").splitlines()]


def candidates(text: str) -> dict[int, list[tuple[int, int]]]:
    """Return by sentence what may match where, as the kernel says."""
    low = lowered(text)
    read = sentence_kernel.read(low, masked(low))
    rows = iter(zip(read.places, read.numbers, strict=True))
    return {place: [next(rows) for _ in range(count)] for place, count in enumerate(read.counts)}


def assert_alike(text: str) -> None:
    low = lowered(text)
    plain, spans, found = masked(low), sentences(low), candidates(text)
    read = sentence_kernel.read(low, plain)
    assert list(zip(read.starts, read.ends, strict=True)) == spans
    for place, span in enumerate(spans):
        assert found[place] == sentence_rules("en")._candidates(plain[span.start : span.end])
    sentence_rules("en").marks.clear()
    assert tag(text, compiled=True) == tag(text, compiled=False)


@settings(max_examples=1000)
@given(texts)
def test_any_text_is_read_alike(text: str) -> None:
    assert_alike(text)


def test_what_rules_and_passages_show_is_read_alike() -> None:
    for text in (*EXAMPLES, *passages(), " ".join(EXAMPLES), "\n".join(EXAMPLES)):
        if not any("\u4e00" <= character <= "\u9fff" for character in text):
            assert_alike(text)


def test_where_words_begin_is_as_the_kernel_has_it() -> None:
    """It is the one thing of where clauses open that stands in the kernel itself."""
    assert _table("vocabulary")["en"]["begin"] == "[a-z]{2}|[ai][ ']"


def test_with_chinese_the_kernel_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflections, "_kernel", lambda compiled: pytest.fail("asked"))
    assert [one.label for one in tag("Wait, 等等，不对。", compiled=True)] == ["hesitation", "self_correction"]


def test_many_candidates_in_few_sentences_find_room() -> None:
    text = "let me go back and check the answer, or try another way instead, " * 6
    assert sum(map(len, candidates(text).values())) > 8 + 64  # the room that is made at first for one sentence
    assert_alike(text)


@pytest.mark.parametrize("unit", ADVERSARIAL)
def test_time_is_linear(unit: str) -> None:
    assert_linear(lambda text: tag(text, compiled=True), unit * (30_000 // len(unit)), unit * (300_000 // len(unit)))


def test_the_kernel_is_used_where_it_pays_and_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflections, "_tagged", reflections.COMPILED_FROM - 2)
    assert reflections._kernel(None) is None
    assert reflections._kernel(None) is sentence_kernel
    assert reflections._kernel(False) is None
