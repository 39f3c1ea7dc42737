import unicodedata

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import example, given
from hypothesis import strategies as st

from filters import fingerprints
from filters.fingerprints import PERMUTATIONS, SEED, SHINGLE_WORDS, as_matrix, shingle_hashes, signature, signatures, words

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LATIN = st.text("abc XYZ é ñ 12 .,+-\n")
SENTENCE = st.lists(st.sampled_from(["so", "we", "add", "3", "and", "14", "then", "加", "法", "wait"]), min_size=1, max_size=40)


def _ordinary(text: str) -> bytes:
    """Return the signature by one update a shingle, as anybody would with datasketch alone."""
    sketch = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=lambda value: value)
    for shingle in shingle_hashes(text).tolist():
        sketch.update(shingle >> 32)
    return b"".join(int(slot).to_bytes(4, "little") for slot in sketch.hashvalues)


@given(TEXT | LATIN | SENTENCE.map(" ".join))
@example("")
@example("word")
@example("🙂🙃 👍🏽")
@example("先把三加四,再乘以二。等一下,不对。")
@example("one two three four five six seven")
def test_a_signature_is_datasketchs_own_to_the_bit(text: str) -> None:
    packed = signature(text)
    assert packed == _ordinary(text) and len(packed) == 4 * PERMUTATIONS and SEED == 1


@given(st.lists(TEXT, max_size=4))
def test_signatures_do_not_lean_on_each_other(texts: list[str]) -> None:
    packed = signatures(texts)
    assert packed == [signature(text) for text in texts]
    assert as_matrix(packed).shape == (len(texts), PERMUTATIONS)


@pytest.mark.parametrize("size", [1, 7, 95, 96, 97])
def test_a_long_text_in_batches_has_the_signature_of_one_batch(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    text = " ".join(f"word{number}" for number in range(100))
    assert len(shingle_hashes(text)) == 96
    whole = signature(text)
    monkeypatch.setattr(fingerprints, "BATCH_SHINGLES", size)
    assert signature(text) == whole


def test_a_text_over_one_batch_counts_its_last_shingles_too() -> None:
    text = " ".join(f"w{number}" for number in range(fingerprints.BATCH_SHINGLES + 500))
    assert signature(text) == _ordinary(text) != signature(text[: len(text) // 2])


def _print(text: str) -> bytes:
    (one,) = fingerprints.fingerprints([text])
    return one


@given(LATIN)
def test_case_white_space_and_unicode_form_do_not_change_a_fingerprint(text: str) -> None:
    wanted = _print(text)
    assert len(wanted) == 16
    for form in ("NFC", "NFD"):
        assert _print(unicodedata.normalize(form, text)) == wanted
    for other in (text.upper(), text.lower(), f" \t{text}\n", text.replace(" ", " \n\u3000 ")):
        assert _print(other) == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [("3 + 4", "3 - 4"), ("3 + 4", "3 + 5"), ("a b", "ab"), ("a.", "a"), ("x²", "x2"), ("a b", "b a"), ("", "-")],
)
def test_what_reads_differently_has_another_fingerprint(one: str, other: str) -> None:
    assert _print(one) != _print(other)


@given(st.sampled_from(["café crème", "STRASSE", "straße", "Straße über", "naïve résumé", "각 나", "Ωmega"]))
def test_texts_with_one_fingerprint_have_one_set_of_shingles(text: str) -> None:
    for other in (unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text), text.upper(), text.lower()):
        assert _print(other) == _print(text)
        assert shingle_hashes(other).tolist() == shingle_hashes(text).tolist(), (text, other)


def test_each_character_of_a_script_without_spaces_is_a_word() -> None:
    assert words("先加3,then 乘2.5!") == ["先", "加", "3", "then", "乘", "2", "5"]
    assert words("カタかな한글") == list("カタかな한글")
    assert words("x_1 it's") == ["x", "1", "it", "s"]


@given(SENTENCE)
def test_there_is_one_shingle_for_each_distinct_run_of_five_words(sentence: list[str]) -> None:
    runs = {tuple(sentence[start : start + SHINGLE_WORDS]) for start in range(max(1, len(sentence) - SHINGLE_WORDS + 1))}
    hashes = shingle_hashes(" ".join(sentence))
    assert len(hashes) == len(runs)
    assert hashes.dtype == np.uint64 and hashes.tolist() == sorted(set(hashes.tolist()))


@given(st.permutations(["one", "two", "three", "four", "five"]))
def test_shingles_know_the_order_of_words(order: list[str]) -> None:
    straight = ["one", "two", "three", "four", "five"]
    same = shingle_hashes(" ".join(order)).tolist() == shingle_hashes(" ".join(straight)).tolist()
    assert same == (order == straight)


@pytest.mark.parametrize("text", ["", " \n", "...", "+ - ="])
def test_a_text_without_words_has_no_shingles(text: str) -> None:
    assert shingle_hashes(text).tolist() == [] and signature(text) == signature("")


def test_known_signatures_do_not_change_with_the_code() -> None:
    slots = as_matrix([signature("Twice two is four, so the answer is 4.")])[0]
    assert (fingerprints.NAME, slots[:3].tolist()) == ("minhash_v0", [678713177, 649128042, 186367640])
    assert _print("Straße\u00a0 4").hex() == "94265c75bf331f0613c8f4d023bbcd9c"
