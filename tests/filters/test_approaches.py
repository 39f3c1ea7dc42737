"""The tagger of approaches: every marker's own examples, what real chains show, linear time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.approaches import LANGUAGES, approaches, markers, tag
from filters.markers import Marker
from tests.linear_time import assert_linear

LABELS = {marker.label for marker in markers()}


@pytest.mark.parametrize("marker", markers(), ids=lambda marker: f"{marker.label}-{marker.language}")
def test_every_marker_keeps_to_its_examples(marker: Marker) -> None:
    own = re.compile(marker.pattern)
    assert marker.positive
    assert marker.negative
    assert [text for text in marker.positive if not own.search(text.lower())] == []
    assert [text for text in marker.positive if marker.label not in tag(text)] == []
    assert [text for text in marker.negative if marker.label in tag(text)] == []


@pytest.mark.parametrize("marker", markers(), ids=lambda marker: f"{marker.label}-{marker.language}")
def test_patterns_are_bounded_and_have_no_groups(marker: Marker) -> None:
    assert re.compile(marker.pattern).groups == 0
    assert not re.search(r"(?<!\\)[*+]|\{\d*,\}", re.sub(r"\[[^\]]*\]", "", marker.pattern))


def test_every_label_has_markers_in_every_language() -> None:
    assert {(marker.label, marker.language) for marker in markers()} == {
        (label, language) for label in LABELS for language in LANGUAGES
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Suppose for contradiction that n is odd. Case 1: n = 1. Case 2: n > 1.", ("cases", "contradiction")),
        ("Let x be the price. 设另一种为y。", ("equation",)),
        ("LET $N$ BE THE NUMBER OF EGGS", ("equation",)),
        ("设兔有x只，则鸡有35-x只。分两种情况：", ("cases", "equation")),
        ("He sells 9 eggs for 2 dollars each, which is 18 dollars.", ()),
        ("Outlet x is closed; a pallet n is full.", ()),
        ("", ()),
    ],
)
def test_a_chain_has_the_approaches_that_its_words_show(text: str, shown: tuple[str, ...]) -> None:
    assert tag(text) == shown
    assert approaches([text, ""]) == [shown, ()]


examples = st.sampled_from([text for marker in markers() for text in marker.positive])


@given(st.lists(examples | st.text(max_size=20), max_size=6))
def test_tags_are_of_the_whole_text_in_one_order(parts: list[str]) -> None:
    """A line is read as if it stood alone, whatever stands around it."""
    parts = [part.replace("\n", " ") for part in parts]
    shown = tag("\n\n".join(parts))
    assert shown == tuple(sorted(set().union(*map(tag, parts)))) and set(shown) <= LABELS


@pytest.mark.load
@pytest.mark.parametrize(
    "unit",
    ["let ", "let x ", "find the a a a ", "using the a-", "case ", "设", "由等", "eliminate the other ", "we test ", "$", "a"],
)
def test_time_is_linear(unit: str) -> None:
    assert_linear(tag, unit * 3_000, unit * 30_000)
