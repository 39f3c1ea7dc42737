import hashlib
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from filters.fingerprints import NAME, fingerprints
from filters.shingles import shingle_hashes

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LATIN = st.text("abc XYZ é ñ 12 .,+-\n")


def _print(text: str) -> bytes:
    (one,) = fingerprints([text])
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


@given(st.lists(TEXT | LATIN | st.text("a \t\n\x0b\x0c\r\x1c\x1f\x85\u3000")))
@example(["a" + " " * 100_000 + "b"])
def test_white_space_is_what_split_takes_for_it(texts: list[str]) -> None:
    plain = [" ".join(unicodedata.normalize("NFC", text).casefold().split()) for text in texts]
    assert fingerprints(texts) == [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in plain]


def _hashes(text: str) -> list[int]:
    return shingle_hashes([text]).values.tolist()


@given(st.sampled_from(["café crème", "STRASSE", "straße", "Straße über", "naïve résumé", "각 나", "Ωmega"]))
def test_texts_with_one_fingerprint_have_one_set_of_shingles(text: str) -> None:
    for other in (unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text), text.upper(), text.lower()):
        assert _print(other) == _print(text)
        assert _hashes(other) == _hashes(text), (text, other)


def test_a_known_fingerprint_does_not_change_with_the_code() -> None:
    assert (NAME, _print("Straße\u00a0 4").hex()) == ("fingerprint_v1", "94265c75bf331f0613c8f4d023bbcd9c")
