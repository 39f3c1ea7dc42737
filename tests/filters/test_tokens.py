"""Lengths in tokens: `words_v1` against a pattern that finds its tokens, and files of the library tokenizers."""

import importlib.util
import pickle
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters import tokens
from filters.tokens import WORDS, Tokenizer, tokenizer
from schemas.errors import UserError
from tests.linear_time import assert_linear
from tests.tokenizer_files import saved

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
TOKEN = re.compile(rf"[{CJK}]|[^\W\d_{CJK}]+|\d{{1,3}}|\S")

needs_library = pytest.mark.skipif(importlib.util.find_spec("tokenizers") is None, reason="the library tokenizers is not installed")


def counted(text: str) -> int:
    return tokenizer(WORDS).counts([text])[0]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        (" \n\t", 0),
        ("Natalia sold 48 clips.", 5),
        ("1234567", 3),
        ("12345678.9", 5),
        ("snake_case", 3),
        ("x=48/2", 5),
        ("it's", 3),
        ("naïve café", 2),
        ("小明有12个苹果。", 8),
        ("ab小cd", 3),
        ("①½²", 1),
        ("\u3000a\xa0b", 2),
    ],
)
def test_words_digits_by_threes_characters_and_signs_are_tokens(text: str, count: int) -> None:
    assert counted(text) == count == len(TOKEN.findall(text))


@given(st.text(alphabet=st.characters() | st.sampled_from("0123456789ab 小_.\x1c٣²é"), max_size=60))
def test_counting_in_bytes_finds_what_the_pattern_finds(text: str) -> None:
    assert counted(text) == len(TOKEN.findall(text))


@given(st.lists(st.text(max_size=12), max_size=5))
def test_a_column_is_its_texts_and_white_space_parts_them(texts: list[str]) -> None:
    counts = tokenizer(WORDS).counts(texts)
    assert counts == [counted(text) for text in texts]
    assert counted("\n".join(texts)) == sum(counts)


@pytest.mark.load
@pytest.mark.parametrize("unit", ["a", "1", "é", "小", "．", "a1 ", "\u0300"])
def test_time_is_linear(unit: str) -> None:
    assert_linear(counted, unit * 30_000, unit * 300_000)


@needs_library
def test_a_file_counts_all_tokens_and_none_that_are_added(tmp_path: Path) -> None:
    found = tokenizer(str(saved(tmp_path / "tiny" / "tokenizer.json", "one two")))
    texts = ["one two three four", "", "two"]
    assert found.counts(texts) == pickle.loads(pickle.dumps(found)).counts(texts) == [4, 0, 1]
    assert found.counts([]) == []
    assert tokenizer(f"file://{tmp_path}/tiny/tokenizer.json").counts(texts) == [4, 0, 1]


@needs_library
def test_its_name_is_of_the_folder_and_of_what_is_in_the_file(tmp_path: Path) -> None:
    one, other = saved(tmp_path / "tiny" / "tokenizer.json", "one"), saved(tmp_path / "own.json", "one")
    name = tokenizer(str(one)).name
    assert re.fullmatch("tiny@[0-9a-f]{12}", name)
    assert tokenizer(str(other)).name == name.replace("tiny", "own")
    assert tokenizer(str(saved(one, "two"))).name != name


@needs_library
def test_a_file_that_changes_under_a_run_is_seen(tmp_path: Path) -> None:
    path = saved(tmp_path / "tokenizer.json", "one")
    found = tokenizer(str(path))
    saved(path, "two")
    tokens._loaded.cache_clear()  # another worker
    with pytest.raises(UserError, match="has changed while it was in use; run the command again"):
        found.counts(["one"])


def mistake(given: str) -> str:
    with pytest.raises(UserError) as error:
        tokenizer(given)
    message = str(error.value)
    assert "\n" not in message and message.startswith(f"[annotate] tokenizer = {given!r}")
    return message


def test_what_is_no_tokenizer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert mistake("gpt2").endswith(" is neither 'words_v1' nor a tokenizer.json; name one of them")
    assert "cannot be read" in mistake(str(tmp_path / "none.json"))
    assert "cannot be read" in mistake(str(tmp_path / "folder.json" / "tokenizer.json"))
    assert "cannot be read" in mistake("nowhere://tokenizer.json")
    monkeypatch.setattr(tokens, "MAX_FILE_BYTES", 10)
    (tmp_path / "large.json").write_text("{" + " " * 20 + "}")
    assert "over 10 bytes" in mistake(str(tmp_path / "large.json"))


@needs_library
@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"model": {"type": "BPE"}}', b"[" * 100_000])
def test_a_file_that_is_no_tokenizer_is_said(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.json").write_bytes(data)
    assert "is no tokenizer.json" in mistake(str(tmp_path / "bad.json"))


def test_without_the_library_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    assert "pip install \"starbeam[tokenizers]\", or take 'words_v1'" in mistake(str(tmp_path / "tokenizer.json"))


def test_a_tokenizer_is_its_name() -> None:
    assert tokenizer(WORDS) == Tokenizer("words_v1", None)
