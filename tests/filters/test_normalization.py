import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.normalization import nfkc, normalized, stream_safe
from tests.linear_time import assert_linear

MARKED = st.lists(st.sampled_from(["a", "é", "先", " ", "\u0301", "\u0323" * 7, "\u0301\u0323" * 16])).map("".join)


@given(MARKED)
def test_of_many_marks_in_a_row_thirty_are_left(text: str) -> None:
    assert stream_safe(text) == re.sub("([\u0301\u0323]{30})[\u0301\u0323]+", r"\1", text)


@given(st.text())
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    if sum(unicodedata.combining(character) != 0 for character in text) <= 30:
        assert stream_safe(text) == text
        if not re.search("[\ud800-\udfff]", text):
            assert normalized("NFC", text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("function", [nfkc, lambda text: normalized("NFC", text)])
def test_marks_in_a_row_take_linear_time(function) -> None:  # type: ignore[no-untyped-def]
    assert_linear(function, "e" + "\u0301\u0323" * 5_000, "e" + "\u0301\u0323" * 50_000)
