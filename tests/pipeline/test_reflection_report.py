"""The section on reflections: from any manifest, with nothing in it or with what another wrote, and always the same bytes."""

import copy
import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from filters.checkers import CHECKERS
from filters.reflection_counts import count
from filters.reflection_statistics import statistics
from pipeline import plots
from pipeline.annotate import annotate
from pipeline.chains import chains_of
from pipeline.reflection_report import MOST_BANDS, Reflections, section
from pipeline.report import Page, duplicates, render
from pipeline.run_report import page_of
from pipeline.terminal import safe
from schemas.errors import UserError
from schemas.recipe import Dedupe
from schemas.sample import SAMPLE_SCHEMA
from schemas.tables import table_of
from tests.builders import a_problem, a_sample
from tests.pipeline.finished_run import finish

CHAINS = (
    "So it is 41. Wait, that's not right: 6 × 7 = 42. The answer is 42.",
    "The answer is 42. Let me check: 42 / 7 = 6. So the answer is 42.",
    "The answer is 41. Hmm, is it? The answer is 41.",
    "Forty-two. 综上，答案是 42。",
)
SHARED = {"both": 3, "rules": 2, "tagger": 1}
AGREEMENT = {"hesitation": {"chains": {**SHARED, "neither": 4}, "places": SHARED, "kappa": 0.375}}


def _manifest(*chains: str, **changes: Any) -> dict[str, Any]:
    """Return what a manifest says of chains, as it is read from its file."""
    problem = a_problem()
    samples = [a_sample(index=place, response=text, **changes) for place, text in enumerate(chains)]
    table = annotate({problem.problem_id: problem}, table_of(samples, SAMPLE_SCHEMA), CHECKERS)
    found = dataclasses.asdict(statistics(count(chains_of(table))))
    manifest: dict[str, Any] = {"reflection": found, "funnel": {"agreement": AGREEMENT}, "annotators": {"tokens": "words_v1"}}
    return json.loads(json.dumps(manifest, sort_keys=True))  # type: ignore[no-any-return]


def _rendered(found: Reflections | None) -> str:
    nothing = duplicates([], [], {}, Dedupe(), {}, "problem")
    return render(Page("t", [], nothing, None, found)).decode()


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """Return what a manifest says of the chains; no test changes it."""
    return _manifest(*CHAINS * 10)


@pytest.fixture(scope="module")
def found(manifest: dict[str, Any]) -> Reflections:
    """Return the section on the chains."""
    shown = section(manifest)
    assert shown is not None
    return shown


@pytest.fixture(scope="module")
def page(found: Reflections) -> str:
    """Return a page with the section alone."""
    return _rendered(found)


@pytest.mark.load
def test_every_plot_has_its_words_its_caption_and_its_numbers(page: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert len(figures) == 9 and page.count("<svg") == 6
    for figure in figures:
        assert re.search(r"<figcaption[^>]*>[A-Z].{30,}</figcaption>", figure) and "<td" in figure
        assert "<svg" not in figure or re.search(r'role="img" aria-label="[^"]{30,}"', figure)
    assert "self correction" in page and "Rules and a teacher" in page and "+0.375" in page
    assert "Of 40 chains" in page and "words_v1" in page


@pytest.mark.load
def test_the_numbers_are_those_of_the_manifest(manifest: dict[str, Any], found: Reflections) -> None:
    blocks = {block.title: block for block in found.blocks}
    rows = dict(blocks["How often"].rows)
    said = manifest["reflection"]["overall"]["labels"]["hesitation"]
    assert rows["hesitation"][:2] == (str(said["reflections"]), f"{said['per_1000_tokens']:.2f}") and said["reflections"] > 0
    assert [(name, row[0]) for name, row in blocks["By teacher"].rows] == [("main", "40")]  # one teacher is all
    assert [name for name, _ in blocks["How chains come to their answers"].rows] == ["main"]
    assert [name for name, _ in blocks["How often"].rows][:2] == ["verification", "backtracking"]  # in the labels' order


def test_what_too_few_reflections_would_show_is_said_and_not_drawn() -> None:
    found = section(_manifest("Wait, is it 41? The answer is 42."))
    assert found is not None
    blocks = {block.title: block for block in found.blocks}
    effects, places = blocks["What they did to the answer"], blocks["Where in the chain"]
    assert effects.plot is None and effects.caption.startswith("No chain states answers")
    assert places.plot is None and "darkest" not in places.caption and places.rows
    assert "nan" not in _rendered(found)


def test_the_page_loads_nothing_has_no_script_and_takes_its_colours_from_the_page(page: str) -> None:
    assert not re.search(r"https?:|src=|href=|url\(|@import|<script|<link|<use|<style>\*| id=", page)
    svg = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b", svg)
    defined = set(re.findall(r"(--[a-z]+):", page))
    assert set(re.findall(r"var\((--[a-z]+)\)", svg)) <= defined
    assert page.count("--effective:") == 2  # on light ground and on dark


@pytest.mark.load
def test_the_same_numbers_give_the_same_bytes(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)  # a person's own
    assert _rendered(section(_manifest(*CHAINS * 10))) == page


@pytest.mark.parametrize(
    "chains", [(), ("",), ("Plain words.",), ("The answer is 42.",) * 3], ids=["none", "empty", "plain", "alike"]
)
def test_chains_without_a_reflection_and_no_chains_at_all_have_a_page(chains: tuple[str, ...]) -> None:
    page = _rendered(section(_manifest(*chains)))
    assert ("No chain was annotated." in page) == (not chains) and "How often" not in page
    assert ("By length" in page) == bool(chains)


@pytest.mark.filterwarnings("error")
def test_chains_that_were_told_the_answer_are_compared_with_none() -> None:
    found = section(_manifest(*CHAINS, origin="rationalized", hint="42"))
    assert found is not None
    blocks = {block.title: block for block in found.blocks}
    assert set(dict(blocks["Right with and without"].rows)["hesitation"]) == {"0", "–"}
    assert blocks["Right with and without"].plot is None and not blocks["By difficulty"].rows
    assert "<svg" in _rendered(found)


def test_a_manifest_of_before_has_no_section() -> None:
    assert section({"funnel": {}, "annotators": {}}) is None
    assert "Reflections" not in _rendered(None)


HOSTILE = "</svg><script>alert(1)</script> $\\frac{1}{0}$ {{ 7 * 7 }} \x1b[31m \u202e"


def test_names_from_outside_are_shown_and_are_nothing_else(manifest: dict[str, Any]) -> None:
    manifest = copy.deepcopy(manifest)
    found = manifest["reflection"]
    manifest["annotators"]["tokens"] = HOSTILE
    found["teachers"] = {HOSTILE: found["overall"], "x" * 10_000: found["overall"]}
    found["overall"]["approaches"] = {HOSTILE: 1}
    page = _rendered(section(manifest))
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page and "x" * 301 not in page
    assert page.count("{{ 7 * 7 }}") == 4 and safe("\x1b") in page  # two tables, the tokenizer, an approach


@pytest.mark.parametrize(
    "changes",
    [
        {"overall": {}},
        {"lengths": [None]},
        {"positions": {"verification": [1, 2]}},
        {"positions": {"nonsense": [1] * 10}},
        {"correctness": {"summary": {"chains": -1}}},
        {"teachers": [1]},
        {"version": 1},
    ],
    ids=str,
)
def test_statistics_of_another_shape_are_refused(manifest: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        section({**manifest, "reflection": {**manifest["reflection"], **changes}})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "many", [], 1 << 70], ids=str)
def test_numbers_that_are_none_are_refused(manifest: dict[str, Any], value: Any) -> None:
    for path in (("overall", "tokens"), ("lengths", 0, "chains")):
        changed: Any = copy.deepcopy(manifest)
        here = changed["reflection"]
        for name in path[:-1]:
            here = here[name]
        here[path[-1]] = value
        with pytest.raises(ValueError):
            section(changed)


def test_no_manifest_has_more_bands_than_there_are(manifest: dict[str, Any]) -> None:
    bands = manifest["reflection"]["lengths"] * (MOST_BANDS + 1)
    with pytest.raises(ValueError):
        section({**manifest, "reflection": {**manifest["reflection"], "lengths": bands}})


@pytest.mark.load
def test_a_run_whose_statistics_are_of_another_shape_is_one_line(tmp_path: Path, manifest: dict[str, Any]) -> None:
    finish(tmp_path, [])
    path = tmp_path / "release" / "MANIFEST.json"
    written = json.loads(path.read_text())
    for wrong in ({"reflection": []}, {**manifest, "annotators": []}, {**manifest, "annotators": {}}):
        path.write_text(json.dumps({**written, **wrong, "funnel": written["funnel"]}))
        with pytest.raises(UserError, match="none that this version writes"):
            page_of(str(tmp_path))
    path.write_text(json.dumps({**written, **manifest, "funnel": written["funnel"]}))
    assert page_of(str(tmp_path)).reflections is not None


def test_text_in_a_plot_is_text() -> None:
    svg = plots.bars(["a < b & $x$"], {("", plots.ACCENT): [1.0]}, "</svg>")
    assert "a &lt; b &amp; $x$" in svg and svg.count("</svg>") == 1
