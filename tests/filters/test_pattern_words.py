"""What a match of a pattern must hold, against matches themselves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.pattern_words import MAX_WHOLE, PREFIX, WORD, prefixes, required_words, spelled_out

# Patterns of the syntax that is read, built up from parts.
literals = st.sampled_from(["check", "let me", " ", "re", "-", "or", "not", "x", "it's", r"\\?", r"\\.", "验", "检查"])
classes = st.sampled_from([r"\\w", "[a-c]", r"[^.]", r"\\s", "."]).map(lambda one: one.replace("\\\\", "\\"))
zero = st.sampled_from([r"\\b", "(?!z)", "(?<!q)"]).map(lambda one: one.replace("\\\\", "\\"))
patterns = st.recursive(
    st.one_of(literals.map(lambda one: one.replace("\\\\", "\\")), classes, zero),
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=4).map("".join),
        st.lists(parts, min_size=1, max_size=3).map(lambda some: f"(?:{'|'.join(some)})"),
        parts.map(lambda one: f"(?:{one})?"),
        parts.map(lambda one: f"(?:{one}){{0,2}}"),
        parts.map(lambda one: f"(?:{one}){{1,2}}"),
    ),
    max_leaves=8,
)
texts = st.lists(
    st.sampled_from(["check", "let me", " ", "re", "-", "or", "not", "x", "it's", "?", ".", "验", "检查", "a", "recheck"]),
    max_size=8,
)


@given(patterns, texts)
def test_every_match_holds_a_word_of_each_set_and_begins_with_a_prefix(pattern: str, parts: list[str]) -> None:
    text = "".join(parts)
    match = re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text)  # from a word's start to a word's end, as clauses and words have them
    if match is None:
        return
    words = WORD.findall(text)
    for needed in required_words(pattern):
        assert any(word == part if len(part) <= MAX_WHOLE and part.isascii() else part in word for word in words for part in needed)
    begun = text[match.start() : match.start() + PREFIX]
    assert any(begun.startswith(prefix) for prefix in prefixes(pattern))


def test_the_rarest_words_come_first() -> None:
    assert required_words("let me (?:just )?(?:double-check|verify) (?:it|this)")[0] in ({"double", "verify"}, {"check", "verify"})
    assert required_words("as (?:an|one) check") == [{"check"}, {"as"}, {"an", "one"}]
    assert required_words("(?:really )?") == []


@pytest.mark.parametrize("pattern", ["a*", "a+", "(a)", "(?P<x>a)", "a)"])
def test_what_has_no_bound_or_captures_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        required_words(pattern)


def test_what_is_spelled_out_comes_as_it_is_tried() -> None:
    assert spelled_out("(?:so|just(?: in case){0,1}),{0,1} ") == [
        "so, ",
        "so ",
        "just in case, ",
        "just in case ",
        "just, ",
        "just ",
    ]


@pytest.mark.parametrize("pattern", ["a{0,2}", "[ab]", "."])
def test_what_has_no_end_or_is_not_known_is_not_spelled_out(pattern: str) -> None:
    with pytest.raises(ValueError, match="spelled out"):
        spelled_out(pattern)
