import collections
import io
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from pipeline.ingest import Ingested
from pipeline.manifest import funnel as counted
from pipeline.terminal import LABEL_STYLES, STATUS_STYLES, chain, console_of, funnel, row, safe
from schemas.annotation import STATUSES
from schemas.sample import chain_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Unicode's property Bidi_Control, which is closed.
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [chr(code) for code in range(0x100) if unicodedata.category(chr(code)) == "Cc" and chr(code) not in "\n\t"]


def _drives(character: str) -> bool:
    return character in BIDI or (unicodedata.category(character) == "Cc" and character not in "\n\t")


@given(TEXT | st.text(st.sampled_from([*CONTROLS, *BIDI, "a", "\n", "\t", "🙂"])))
def test_safe_text_cannot_drive_the_terminal_and_keeps_its_offsets(text: str) -> None:
    shown = safe(text)
    assert len(shown) == len(text) and not any(map(_drives, shown))
    assert all(after == before for before, after in zip(text, shown, strict=True) if not _drives(before))


@pytest.mark.parametrize("character", [*CONTROLS, *BIDI], ids=ascii)
def test_no_control_or_direction_mark_stays(character: str) -> None:
    shown = safe(character)
    assert len(shown) == 1 and not _drives(shown)


def _spans(length: int) -> Any:
    span = st.tuples(st.integers(0, length), st.integers(0, length), st.sampled_from(sorted(LABEL_STYLES)))
    return st.lists(span.map(lambda one: {"label": one[2], "start": min(one[:2]), "end": max(one[:2])}), max_size=5)


# Letters that no label has, so that what is left without labels is the chain.
CHAINS = st.text("ABC 加\n\x1b", min_size=1, max_size=30).flatmap(lambda text: st.tuples(st.just(text), _spans(len(text))))


@given(CHAINS)
def test_a_coloured_chain_keeps_its_text_and_puts_each_label_behind_its_span(drawn: tuple[str, list[dict[str, Any]]]) -> None:
    text, spans = drawn
    plain = chain("", text, spans).plain
    for label in LABEL_STYLES:
        assert plain.count(f" [{label}]") == sum(one["label"] == label for one in spans)
    assert _without(plain) == safe(text)
    for label in LABEL_STYLES:
        places = [len(_without(plain[:start])) for start in _places(plain, f" [{label}]")]
        ends = sorted(one["end"] for one in spans if one["label"] == label)
        assert all(place >= end for place, end in zip(places, ends, strict=True))
    if len(spans) == 1:
        (one,) = spans
        assert plain == f"{safe(text)[: one['end']]} [{one['label']}]{safe(text)[one['end'] :]}"


def _places(text: str, part: str) -> list[int]:
    return [start for start in range(len(text)) if text.startswith(part, start)]


def _without(text: str) -> str:
    for label in LABEL_STYLES:
        text = text.replace(f" [{label}]", "")
    return text


def test_spans_apart_have_their_labels_in_between() -> None:
    spans = [{"label": "subgoal", "start": 4, "end": 5}, {"label": "summary", "start": 0, "end": 1}]
    assert chain("ABC", "DE", spans).plain == "A [summary]BC\n\n [subgoal]DE"


def test_what_is_marked_is_coloured_and_nothing_else() -> None:
    text = chain("AABB", "CC", [{"label": "backtracking", "start": 2, "end": 4}])
    coloured = {text.plain[span.start : span.end] for span in text.spans if span.style == LABEL_STYLES["backtracking"]}
    assert coloured == {"BB"}


def test_thought_and_response_are_shown_as_the_chain_that_was_tagged() -> None:
    assert chain("six", "42", []).plain == chain_text("six", "42")


def _printed(renderable: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=200, markup=False, highlight=False, emoji=False).print(renderable)
    return out.getvalue()


VALUES: dict[str, Any] = {
    "sample_id": "0" * 32,
    "teacher": "main",
    "origin": "solved",
    "question": "What is [bold]6 × 7[/bold] :smile:?\x1b[31m",
    "reasoning": "Six sevens.",
    "response": "42",
    "answer": "42",
    "reflections": [{"label": "summary", "start": 0, "end": 3}],
    "verdict": {"status": "correct", "extracted": "42\u202e", "checker": "numeric_v1", "reason": "equal"},
}


def test_a_row_shows_what_was_asked_the_chain_and_the_verdict_and_takes_nothing_for_markup() -> None:
    shown = _printed(row(VALUES))
    for part in ("0" * 32, "main", "solved", "[bold]6 × 7[/bold] :smile:", "Six [summary] sevens.", "correct", "numeric_v1: equal"):
        assert part in shown
    assert "\x1b" not in shown and "\u202e" not in shown and "rejected" not in shown
    assert "rejected: over_quota" in _printed(row({**VALUES, "reason": "over_quota"}))


def test_a_wrong_step_and_a_leak_are_said_under_the_verdict() -> None:
    flag = {"kind": "wrong_equation", "start": 0, "end": 9, "detail": "48/2 = 25: it is 24"}
    steps = {"status": "wrong", "checked": 1, "flags": [flag]}
    leak = {"kind": "quotes_hint", "start": 0, "end": 3, "marker": "we are told"}
    shown = row({**VALUES, "steps": steps, "leak": leak}).plain
    assert "wrong_equation: 48/2 = 25: it is 24" in shown and "leak: quotes_hint: we are told" in shown


def test_a_copy_names_the_row_that_stands_for_it() -> None:
    copy = {"kind": "near", "kept_id": "1" * 32, "jaccard": 0.8125}
    assert f"near copy of {'1' * 32}, similarity 0.812" in row({**VALUES, "duplicate": copy}).plain
    assert "copy" not in row({**VALUES, "duplicate": None}).plain


@pytest.mark.parametrize("status", STATUSES)
def test_every_verdict_has_a_colour_and_an_answer_that_is_not_there_is_shown_so(status: str) -> None:
    shown = row({**VALUES, "answer": None, "verdict": {**VALUES["verdict"], "status": status, "extracted": None}})
    assert status in STATUS_STYLES and "read None, gold None" in shown.plain
    assert any(shown.plain[span.start : span.end] == status and span.style == STATUS_STYLES[status] for span in shown.spans)


def test_a_record_that_never_became_a_sample_shows_why() -> None:
    values = {"sample_id": None, "stage": "read", "reason": "bad_json", "detail": "not JSON: \x07", "raw": "{bad\x1b]0;"}
    shown = _printed(row(values))
    assert "read: bad_json: not JSON: ␇" in shown and "{bad␛]0;" in shown
    assert isinstance(row({**values, "detail": None, "raw": None}), Text)


def test_the_funnel_shows_every_count() -> None:
    counts: collections.Counter[tuple[str, ...]] = collections.Counter(
        {
            ("problems",): 1234,
            ("problems_sampled",): 1200,
            ("samples",): 2400,
            ("verdicts", "correct"): 2000,
            ("verdicts", "unsure"): 400,
            ("teachers", "[red]main", "correct"): 2000,
            ("compared", "pairs_candidate"): 5678,
            ("compared", "pairs_compared"): 90,
            ("compared", "pairs_alike"): 19,
            ("duplicates", "near"): 17,
            ("reflections", "summary"): 99,
            ("rejected_records", "bad_json"): 3,
            ("rejected_samples", "unsure"): 400,
            ("kept",): 1983,
            ("problems_kept",): 1100,
        }
    )
    shown = _printed(funnel(counted([counts], Ingested("", "", None, 1250, 77, 13, 0), []), {}))
    lines = {line.split("  ")[0].strip(): line for line in shown.splitlines()}
    for name, parts in {
        "problem records": ["1,250", "13 repeated"],
        "sample records": ["77"],
        "records rejected": ["3 bad_json"],
        "problems": ["1,234", "1,200 with samples"],
        "samples": ["2,400", "2,000 correct", "400 unsure"],
        "by [red]main": ["2,000 correct"],
        "pairs compared": ["90 ", "of 5,678; 19 alike"],
        "duplicates": ["17 near"],
        "reflections": ["99 summary"],
        "samples rejected": ["400 unsure"],
        "kept": ["1,983", "1,100 problems"],
    }.items():
        line = next(line for start, line in ((line.strip(), line) for line in lines.values()) if start.startswith(name + " "))
        assert all(part in line for part in parts), (name, line)
    assert "incorrect" not in shown


def test_reflections_are_shown_with_their_rate_and_their_effects_where_there_are_any() -> None:
    counts = counted([], Ingested("", "", None, 0, 0, 0, 0), [])
    chains = {"reflections": 12, "per_1000_tokens": 7.6932, "effects": {"effective": 2, "harmful": 0, "unknown": 1234}}
    shown = " ".join(_printed(funnel(counts, {}, chains)).split())
    assert "per 1,000 tokens 7.69 2 effective, 1,234 unknown" in shown
    for nothing in (None, {**chains, "reflections": 0, "per_1000_tokens": None}):
        assert "per 1,000" not in _printed(funnel(counts, {}, nothing))


def test_coverage_is_shown_at_one_and_at_the_most_that_all_problems_reach_and_origins_where_some_are_rationalised() -> None:
    covered = {"problems": 1400, "pass_at_k": [(1, 0.424, 1400), (2, 0.5, 1400), (8, 0.806, 1400), (9, 0.1, 3)]}
    once = {"problems": 7, "pass_at_k": [(1, 0.5, 7)]}
    counts = collections.Counter({("origins", "sampled", "incorrect"): 6})
    read = Ingested("", "", None, 0, 0, 0, 0)
    shown = _printed(funnel(counted([counts], read, []), {"[red]main": covered, "once": once})).split()
    assert "  ".join(shown).count("coverage") == 2 and "sampled" not in shown
    at = shown.index("[red]main")
    assert shown[at + 1 : at + 6] == ["1,400", "pass@1", "0.42,", "pass@8", "0.81"]
    at = shown.index("once")
    assert shown[at + 1 : at + 5] == ["7", "pass@1", "0.50", "steps"]
    counts["origins", "rationalized", "correct"] = 5
    shown = _printed(funnel(counted([counts], read, []), {})).split()
    at = shown.index("rationalized")
    assert shown[at : at + 8] == ["rationalized", "5", "5", "correct", "sampled", "6", "6", "incorrect"]


def test_an_empty_funnel_is_all_zeros() -> None:
    shown = _printed(funnel(counted([], Ingested("", "", None, 0, 0, 0, 0), []), {}))
    assert "kept" in shown and not any(digit in shown for digit in "123456789")


def test_the_console_prints_brackets_and_colons_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    console_of(stderr=True).print("[bold]x[/bold] :smile:")
    console_of(stderr=False).print("[red]y")
    captured = capsys.readouterr()
    assert captured.err == "[bold]x[/bold] :smile:\n" and captured.out == "[red]y\n"
