"""The tagger: every marker's own examples, spans, masks, and linear time."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.markers import Marker
from filters.reflections import LANGUAGES, markers, reflections, tag
from schemas.annotation import LABELS
from tests.linear_time import assert_linear

words = st.sampled_from(
    [
        "wait",
        "Wait, ",
        "hmm. ",
        "Let me check",
        "等等，",
        "不对。",
        "x = 3",
        ". ",
        "\n",
        '"',
        "`",
        "```",
        "İ",
        " ",
        "综上，",
        "so ",
    ]
)
texts = st.one_of(st.text(), st.lists(words, max_size=20).map("".join))


def fired(marker: Marker, text: str) -> bool:
    """Say whether `text` is tagged with the marker's label at a place where its own pattern matches."""
    pattern = re.compile(marker.pattern)
    for found in tag(text):
        match = pattern.match(text.lower(), found.start)
        if found.label == marker.label and match is not None and match.end() == found.end:
            return True
    return False


@pytest.mark.parametrize("marker", markers(), ids=lambda marker: f"{marker.label}-{marker.language}")
def test_every_marker_keeps_to_its_examples(marker: Marker) -> None:
    assert marker.positive
    assert marker.negative
    assert [text for text in marker.positive if not fired(marker, text)] == []
    assert [text for text in marker.negative if fired(marker, text)] == []


@pytest.mark.parametrize("marker", markers(), ids=lambda marker: f"{marker.label}-{marker.language}")
def test_patterns_are_bounded_and_have_no_groups(marker: Marker) -> None:
    assert re.compile(marker.pattern).groups == 0
    assert not re.search(r"[*+]", marker.pattern)


def test_every_label_has_markers_in_every_language() -> None:
    assert {(marker.label, marker.language) for marker in markers()} == {
        (label, language) for label in LABELS for language in LANGUAGES
    }


def test_spans_are_code_points_and_cover_the_marker() -> None:
    assert [tuple(found) for found in tag("😀 So. Wait, x. 等等，不对。")] == [
        ("hesitation", 6, 10, "Wait", None),
        ("hesitation", 15, 17, "等等", None),
        ("self_correction", 18, 20, "不对", None),
    ]


def test_once_a_sentence() -> None:
    assert [found.start for found in tag("Wait, wait, wait. Wait, no.")] == [0, 18]


@pytest.mark.parametrize(
    "text",
    [
        "```python\nwait\n# wait, what\n```",
        "Call `\nx`. `wait` blocks.",
        'He said: "Wait, let me check."',
        "他说：“等等，不对。”",
        "他说：「等等，不对。」",
        "```\nWait, an open fence",
        "the await keyword; waiter",
    ],
)
def test_code_and_quotations_are_passed_over(text: str) -> None:
    assert tag(text) == []


def test_a_lone_quotation_mark_hides_nothing() -> None:
    assert [found.label for found in tag('A 5" pipe.\nWait, that is long.')] == ["hesitation"]


@settings(deadline=None)
@given(texts)
def test_tags_are_well_formed(text: str) -> None:
    found = tag(text)
    assert found == sorted(found, key=lambda one: (one.start, one.end, one.label))
    for one in found:
        assert one.label in LABELS
        assert 0 <= one.start < one.end <= len(text)
        assert one.marker == text[one.start : one.end]
        assert one.effect is None


@settings(deadline=None)
@given(texts, st.sampled_from(["", " ", "\n", "\t \n", "\u3000"]), st.sampled_from(["", " ", "\n", "  \n"]))
def test_surrounding_space_only_shifts(text: str, before: str, after: str) -> None:
    shift = len(before)
    shifted = [one._replace(start=one.start + shift, end=one.end + shift) for one in tag(text)]
    assert tag(before + text + after) == shifted


def test_the_column_is_the_tag_of_each_text() -> None:
    assert reflections(["Wait, no.", "x"]) == [tag("Wait, no."), []]


@pytest.mark.parametrize("unit", ["\n", "wait, ", "```", "`", '"', "“", "so ", ".", "，要证"])
def test_time_is_linear(unit: str) -> None:
    assert_linear(tag, unit * (30_000 // len(unit)), unit * (300_000 // len(unit)), times=20)
