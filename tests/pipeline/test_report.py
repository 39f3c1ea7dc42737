"""Pages on finished runs, and what of another's text may come into them."""

import html.parser
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.differences import CHARACTERS, WORDS, differences
from pipeline.report import EXACT, LARGEST, NEAREST, Duplicates, Page, Removed, Side, duplicates, examples_of, group_sizes, render
from pipeline.terminal import safe
from schemas.annotation import Duplicate
from schemas.manifest import FORMAT
from schemas.recipe import Dedupe
from tests.pipeline.finished_run import Row, finish
from tests.pipeline.recipes_for_tests import starbeam

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80) | st.text("ab c数\n", max_size=80)
DEDUPE = Dedupe()


@given(TEXT, TEXT)
def test_the_pieces_of_two_texts_are_the_texts_and_what_is_not_marked_is_in_both(one: str, other: str) -> None:
    found = differences(one, other)
    for text, compared in zip((one, other), found, strict=True):
        assert "".join(span.text for span in compared.spans) + text[len(text) - compared.left :] == text
        assert all(span.text for span in compared.spans)
    same = [["".join(span.text.split()) for span in compared.spans if not span.differs] for compared in found]
    assert "".join(same[0]) == "".join(same[1])


@given(TEXT)
def test_a_text_differs_in_nothing_from_itself(text: str) -> None:
    assert not any(span.differs for compared in differences(text, text) for span in compared.spans)


def test_the_words_that_differ_are_marked_and_no_others() -> None:
    one, other = differences("Half of 48 is 24, so 24 clips.", "Half  of 48 is 25, so 24 clips.")
    assert [span.text for span in one.spans if span.differs] == ["24"]
    assert [span.text for span in other.spans if span.differs] == ["25"]
    chinese = differences("所以答案是八", "所以答案是九")
    assert [[span.text for span in one.spans if span.differs] for one in chinese] == [["八"], ["九"]]


@pytest.mark.parametrize("text", ["x" * 1_000_000, "a " * 500_000, " " * 1_000_000, "数" * 1_000_000], ids=lambda text: text[:2])
def test_only_the_beginning_of_a_long_text_is_compared(text: str) -> None:
    compared, _ = differences(text, text[:-1] + "b")
    assert compared.left == len(text) - sum(len(span.text) for span in compared.spans)
    assert compared.left >= len(text) - CHARACTERS and sum(len(span.text.split()) for span in compared.spans) <= WORDS


class _Read(html.parser.HTMLParser):
    """Tags, their attributes, and the text that is shown."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.text += "" if tag == "mark" else " "

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


KNOWN = {"lang", "charset", "name", "content", "http-equiv", "class", "dir", "style"}
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)></div></section>&lt;b&gt;",
    "\" onmouseover='alert(3)' {{ 7 * 7 }} {% raw %} %}",
    "\x00\x07\x1b[31m\x7f\x9b \u202edesrever\u2066 \u200f العربية עברית",
    "</style></title><!-- --><![CDATA[ x ]]>",
)


@pytest.mark.parametrize("text", HOSTILE, ids=["markup", "attributes", "controls", "ends"])
def test_text_from_outside_is_shown_and_is_nothing_else(text: str) -> None:
    removed = Removed(f"a{text}", f"b{text}", "near", 0.9, True, False)
    sides = {one: Side(one, text, f"{text} {one}") for one in (removed.id, removed.kept_id)}
    section = duplicates([removed], [(text, removed)], sides, DEDUPE, {}, text, text)
    page = render(Page(text, [(text, text)], section)).decode()
    read, plain = (
        _Read(page),
        _Read(render(Page("t", [("n", "v")], _section(Removed("a", "b", "near", 0.9, True, False)))).decode()),
    )
    assert not read.open and set(read.tags) - {"mark"} == set(plain.tags) - {"mark"} and "script" not in read.tags
    assert {name for name, _ in read.attributes} <= KNOWN
    assert read.text.count(safe(text)) >= 9 and "\x00" not in page and "\u202e" not in page


def _section(*removed: Removed) -> Duplicates:
    sides = {id: Side(id, "", "one two three") for one in removed for id in (one.id, one.kept_id)}
    return duplicates(removed, examples_of(removed, DEDUPE), sides, DEDUPE, {"pairs_candidate": 12_345}, "problem")


def test_the_page_asks_nobody_for_anything() -> None:
    page = render(Page("t", [], _section())).decode()
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script|<link", page)
    assert "default-src 'none'" in page and "prefers-color-scheme: dark" in page and "No row is a copy" in page


def test_a_chain_or_an_id_of_a_megabyte_is_shown_in_part() -> None:
    ids = ("a" * 1_000_000, "b" * 1_000_000)
    removed = Removed(*ids, "near", 0.9, False, False)
    sides = {ids[0]: Side(ids[0], ids[0], "word " * 200_000), ids[1]: Side(ids[1], ids[1], "x" * 1_000_000)}
    page = render(Page(ids[0], [], duplicates([removed], [("why", removed)], sides, DEDUPE, {}, "problem")))
    assert len(page) < 40_000 and b"998,000 more characters" in page and b"992,000 more characters" in page


def test_groups_are_counted_by_size() -> None:
    assert group_sizes([]) == {}
    assert group_sizes([*"abcc", *["d"] * 4, *["e"] * 8, *["f"] * 1500]) == {
        "2": 2,
        "3": 1,
        "5 to 9": 2,
        "1,000 or more": 1,
    }


def test_examples_are_of_large_groups_of_the_least_alike_and_of_exact_ones() -> None:
    group = [Removed(f"g{number}", "g", "near", 0.9 + number / 1000, False, False) for number in range(5)]
    near = [Removed(f"n{number}", f"k{number}", "near", 0.8 + number / 100, False, False) for number in range(20)]
    within = Removed("w", "kw", "near", 0.705, True, False)  # .005 above its threshold
    exact = [Removed(f"e{number}", f"x{number}", "exact", 1.0, True, False) for number in range(9)]
    for removed in ([*group, *near, within, *exact], [*exact, within, *reversed(near), *reversed(group)]):
        found = examples_of(removed, DEDUPE)
        assert found[0] == ("of a group of 6", group[0])
        nearest = [one for why, one in found if why == "near the threshold"]
        assert nearest == [near[0], within, *near[1 : NEAREST - 1]]
        assert [one for why, one in found if why == "exact"] == exact[:EXACT]
        assert len({one for _, one in found}) == len(found) <= LARGEST + NEAREST + EXACT


IDS = [f"{number:032x}" for number in range(6)]
NEAR = Duplicate("near", IDS[0], 0.81)
RUN = [
    Row(IDS[0], "First we add two and two, which is four.", "p"),
    Row(IDS[1], "First we add two and two, which makes four.", "p", NEAR),
    Row(IDS[2], "first we ADD two and two, which is four.", "q", Duplicate("exact", IDS[0], 1.0)),
    Row(IDS[3], "Something else.", "q"),
    Row(IDS[4], "Of an earlier release.", "q", Duplicate("exact", "f" * 32, 1.0)),
]


def _reported(run: Path) -> _Read:
    done = starbeam("report", str(run), cwd=run.parent)
    assert (done.returncode, done.stdout) == (0, f"{run}/report.html\n"), done.stderr
    return _Read((run / "report.html").read_text())


def test_a_run_has_its_report(tmp_path: Path) -> None:
    finish(tmp_path / "run", RUN)
    text = " ".join(_reported(tmp_path / "run").text.split())
    assert "exact 0 1 1 2" in text and "near 1 0 0 1" in text  # within a problem, across, earlier, in all
    assert "counts as kept earlier, 1111111111111111" in text
    assert "2 rows 1" in text and "3 rows 1" in text and "pairs_candidate 12,345" in text
    assert "similarity 0.810" in text and "main, problem p" in text and "First we add two and two, which makes four." in text
    assert f"copy {IDS[1]}" in text and f"kept {IDS[0]}" in text and IDS[4] not in text and "Benchmarks" not in text


def test_copies_that_were_kept_without_a_config_that_shows_them_are_said(tmp_path: Path) -> None:
    finish(tmp_path / "run", RUN, configs=())
    manifest = tmp_path / "run" / "release" / "MANIFEST.json"
    changed = json.loads(manifest.read_text())
    changed["funnel"]["duplicates"]["near"] += 7
    manifest.write_text(json.dumps(changed))
    assert "7 more copies were kept" in _reported(tmp_path / "run").text


OLD = [Row(IDS[0], "Of an earlier release.", "p", Duplicate("exact", IDS[0], 1.0)), Row(IDS[1], "Of it, too.", "p", NEAR)]


@pytest.mark.parametrize("configs", [("full",), ()])
def test_a_copy_of_an_earlier_row_with_an_id_of_this_run_is_of_the_earlier_row(tmp_path: Path, configs: tuple[str, ...]) -> None:
    finish(tmp_path / "run", [*OLD, RUN[3], Row(IDS[4], "Something  else.", "q", Duplicate("exact", IDS[3], 1.0))], configs=configs)
    text = " ".join(_reported(tmp_path / "run").text.split())
    assert "exact 1 0 1 2" in text and "near 0 0 1 1" in text
    assert f"kept {IDS[3]}" in text and f"kept {IDS[0]}" not in text


def test_a_row_that_was_turned_away_is_in_no_example_as_the_kept_one(tmp_path: Path) -> None:
    rows = [RUN[0]._replace(turned_away=True), *RUN[1:]]
    finish(tmp_path / "run", rows)
    text = " ".join(_reported(tmp_path / "run").text.split())
    assert "exact 0 1 1 2" in text and "near 1 0 0 1" in text
    assert IDS[0] not in text


@pytest.mark.parametrize("lost", ["release/rejected/*", "annotated/*"])
def test_a_run_that_has_lost_a_file_is_one_line_that_says_how_to_get_it(tmp_path: Path, lost: str) -> None:
    finish(tmp_path / "run", RUN)
    next((tmp_path / "run").glob(lost)).unlink()
    done = starbeam("report", str(tmp_path / "run"), cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.endswith("No such file or directory; run `starbeam curate` again\n")


HIT = {"benchmark": "gsm8k<b>", "item": "17", "kind": "copy", "overlap": 0.75, "longest_run": 14, "field": "question"}


def test_rows_of_benchmarks_are_in_the_report(tmp_path: Path) -> None:
    hits: list[dict[str, Any]] = [HIT, {**HIT, "kind": "variant", "overlap": 0.5}]
    rows = [RUN[0]._replace(contamination=hits, question="How many clips?"), RUN[1]._replace(contamination=[HIT]), RUN[3]]
    finish(tmp_path / "run", rows, looked=True)
    text = " ".join(_reported(tmp_path / "run").text.split())
    assert "gsm8k<b> copy question 2 1" in text and "gsm8k<b> variant question 1 1" in text
    assert "overlap 0.75, longest run 14 words, in the question" in text and "How many clips?" in text
    finish(tmp_path / "clean", RUN, looked=True)
    assert "No row holds an item of the benchmarks." in _reported(tmp_path / "clean").text


@pytest.mark.parametrize("manifest", [None, "[]", '{"format": "other"}', "{bad", f'{{"format": "{FORMAT}"}}'])
def test_what_is_no_finished_run_is_one_line(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "release").mkdir()
        (tmp_path / "release" / "MANIFEST.json").write_text(manifest)
    done = starbeam("report", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stderr.startswith("starbeam: ")
    assert not (tmp_path / "report.html").exists()
