import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import example, given
from hypothesis import strategies as st

from filters import signatures as signing
from filters.shingles import shingle_hashes
from filters.signatures import NAME, PERMUTATIONS, SCHEME, SEED, as_matrix, packed, signatures

TEXT = st.text() | st.text("abc XYZ é ñ 12 .,+-\n先加ไ")
SENTENCE = st.lists(st.sampled_from(["so", "we", "add", "3", "and", "14", "then", "加", "法", "wait"]), min_size=1, max_size=40)


def _ordinary(text: str) -> list[int]:
    """Return the signature by one update a shingle, as anybody would with datasketch alone."""
    sketch = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=lambda value: value)
    for shingle in shingle_hashes([text]).values.tolist():
        sketch.update(shingle >> 32)
    return [int(slot) for slot in sketch.hashvalues]


@pytest.mark.parametrize("compiled", [False, True])
@given(texts=st.lists(TEXT | SENTENCE.map(" ".join), max_size=4))
@example(texts=["", "word", "🙂🙃 👍🏽", "先把三加四,再乘以二。等一下,不对。", "one two three four five six seven"])
@example(texts=["one two three four five", "x" * 100 + " " + "é" * 70 + " a b c d e f g h", ""])
def test_signatures_are_datasketchs_own_to_the_bit(compiled: bool, texts: list[str]) -> None:
    assert signatures(texts, compiled).tolist() == [_ordinary(text) for text in texts]
    assert (SEED, PERMUTATIONS, SCHEME) == (1, 128, "affine32")


@pytest.mark.parametrize("size", [1, 7, 95, 96, 97])
def test_texts_in_small_batches_have_the_signatures_of_one(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    texts = [" ".join(f"word{number}" for number in range(count)) for count in (100, 0, 3, 50)]
    whole = signatures(texts, compiled=False)
    monkeypatch.setattr(signing, "BATCH_SHINGLES", size)
    assert (signatures(texts, compiled=False) == whole).all()


def test_a_long_text_counts_its_last_shingles_too() -> None:
    text = " ".join(f"w{number}" for number in range(20_000))
    for compiled in (False, True):
        assert signatures([text], compiled)[0].tolist() == _ordinary(text)


@given(st.lists(SENTENCE.map(" ".join), max_size=4))
def test_packed_signatures_are_little_endian_slots(texts: list[str]) -> None:
    signed = signatures(texts)
    assert [len(one) for one in packed(signed)] == [4 * PERMUTATIONS] * len(texts)
    assert (as_matrix(packed(signed)) == signed).all()
    assert packed(signed)[:1] == [b"".join(int(slot).to_bytes(4, "little") for slot in row) for row in signed[:1]]


def test_the_kernel_is_used_from_many_texts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_signed", 0)
    assert signing.kernel(signing.COMPILED_FROM - 1) is None
    assert signing.kernel(1) is not None


def test_known_signatures_do_not_change_with_the_code() -> None:
    slots = signatures(["Twice two is four, so the answer is 4."])[0]
    assert (NAME, slots[:3].tolist(), slots.dtype) == ("minhash_v1", KNOWN, np.uint32)


KNOWN = [65702396, 931511185, 905063585]
