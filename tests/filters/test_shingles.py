import re
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters import shingles
from filters.shingles import Ragged, bounds, fold, gram_hashes, shingle_hashes, word_hashes, words
from tests.linear_time import assert_linear

TEXT = st.text()  # lone surrogates too
MIXED = st.text("abc XYZ é ñ 12 .,+-_\n先加ไทยかな한🙂\u0301")
SENTENCE = st.lists(st.sampled_from(["so", "we", "add", "3", "and", "14", "then", "加", "法", "wait"]), min_size=1, max_size=40)


def _parts(found: Ragged) -> list[list[int]]:
    ends = zip(found.offsets[:-1], found.offsets[1:], strict=True)
    return [found.values[first:last].tolist() for first, last in ends]


@given(st.lists(TEXT | MIXED, max_size=5))
@example(["", "word", "🙂🙃 👍🏽", "先把三加四,再乘以二。", "x" * 100 + " " + "é" * 70])
def test_the_arrays_hold_the_words_of_the_definition(texts: list[str]) -> None:
    batch = fold(texts)
    found = bounds(batch)
    for place, text in enumerate(texts):
        ends = range(found.offsets[place], found.offsets[place + 1])
        there = [batch.text[found.starts[word] : found.ends[word]].decode("utf-8", "surrogatepass") for word in ends]
        assert there == words(text)


@given(st.lists(TEXT | MIXED | SENTENCE.map(" ".join), max_size=5))
def test_documents_of_a_batch_do_not_lean_on_each_other(texts: list[str]) -> None:
    for function in (word_hashes, shingle_hashes):
        assert _parts(function(texts)) == [_parts(function([text]))[0] for text in texts]


@given(st.lists(st.text("ab0é加", min_size=1, max_size=40), max_size=30))
def test_equal_words_have_equal_hashes_and_others_have_not(found: list[str]) -> None:
    spelled = words(" ".join(found))
    hashes = word_hashes([" ".join(found)]).values.tolist()
    assert len(set(zip(spelled, hashes, strict=True))) == len(set(spelled)) == len(set(hashes))


@pytest.mark.parametrize(("one", "other"), [("a" * 16 + "b" * 8, "b" * 8 + "a" * 16), ("a" * 8, "a" * 16), ("ab", "ba")])
def test_the_place_of_a_words_bytes_counts(one: str, other: str) -> None:
    assert word_hashes([one]).values[0] != word_hashes([other]).values[0]


def test_words_that_differ_in_one_last_letter_each_make_other_shingles() -> None:
    endings = [f"abcdefg{one} abcdefg{other} so it is" for one in "abcdefghij" for other in "abcdefghij"]
    assert len({_parts(shingle_hashes([text]))[0][0] for text in endings}) == 100


def test_each_character_of_a_script_without_spaces_is_a_word() -> None:
    assert words("先加3,then 乘2.5!") == ["先", "加", "3", "then", "乘", "2", "5"]
    assert words("カタかな한글𠀀") == list("カタかな한글𠀀")
    assert words("ไทย") == list("ไทย") and words("・、。") == []
    assert words("x_1 it's") == ["x", "1", "it", "s"]


@given(MIXED)
def test_words_know_neither_case_nor_unicode_form(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == words(text)
    assert words(text.swapcase()) == words(text)


@given(SENTENCE, st.integers(1, 9))
def test_a_gram_is_a_run_of_words_and_nothing_else(sentence: list[str], size: int) -> None:
    spelled = words(" ".join(sentence))
    runs = [tuple(spelled[start : start + size]) for start in range(len(spelled) - size + 1)]
    hashes = _parts(gram_hashes(word_hashes(["", " ".join(sentence), "so"]), size))[1]
    assert len(hashes) == len(runs) and len(set(zip(runs, hashes, strict=True))) == len(set(runs)) == len(set(hashes))


@given(SENTENCE)
def test_there_is_one_shingle_for_each_run_of_five_words_and_one_for_a_short_text(sentence: list[str]) -> None:
    spelled = words(" ".join(sentence))
    runs = [tuple(spelled[start : start + 5]) for start in range(max(1, len(spelled) - 4))]
    (hashes,) = _parts(shingle_hashes([" ".join(sentence)]))
    assert len(hashes) == len(runs) and len(set(hashes)) == len(set(runs))


@given(st.permutations(["one", "two", "three", "four", "five"]))
def test_shingles_know_the_order_of_words(order: list[str]) -> None:
    straight = ["one", "two", "three", "four", "five"]
    assert (_parts(shingle_hashes([" ".join(order)])) == _parts(shingle_hashes([" ".join(straight)]))) == (order == straight)


@pytest.mark.parametrize("text", ["", " \n", "...", "+ - =", "🙂"])
def test_a_text_without_words_has_no_shingles(text: str) -> None:
    assert _parts(shingle_hashes([text])) == [[]]


def test_batches_are_all_texts_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shingles, "BATCH_CHARACTERS", 10)
    assert list(shingles.batches(["a" * 4, "b" * 6, "", "c" * 30, "d"])) == [(0, 2), (2, 4), (4, 5)]
    assert list(shingles.batches([])) == []


@pytest.mark.parametrize("unit", ["a", "a ", "先", "1.", "é", "\n", "\u0301\u0323"])
def test_hashing_takes_linear_time(unit: str) -> None:
    assert_linear(lambda text: shingle_hashes([text]), unit * 10_000, unit * 100_000)


def test_the_pattern_of_words_has_no_underscore() -> None:
    assert re.fullmatch(r"\w+", "a_b") and words("a_b") == ["a", "b"]


def test_known_hashes_do_not_change_with_the_code() -> None:
    assert word_hashes(["Twice internationalization 加"]).values.tolist() == KNOWN
    assert word_hashes(["x"]).values.dtype == np.uint64


KNOWN = [873853318537136165, 15907938364895869767, 8927838029010106723]
