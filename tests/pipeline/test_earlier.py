import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from filters.signatures import SPEC
from pipeline import storage
from pipeline.build import Options, build
from pipeline.earlier import earlier_release
from pipeline.plan import Plan, resolve
from pipeline.recipes import load
from schemas.errors import UserError
from tests.pipeline.finished_run import Row, finish
from tests.pipeline.recipes_for_tests import RECORDED, Done, recorded_lines, starbeam


def _built(folder: Path, out: str, *settings: str) -> Done:
    (folder / "recipe.toml").write_text(RECORDED)
    return starbeam("build", "recipe.toml", "--out", out, *(word for one in settings for word in ("--set", one)), cwd=folder)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an input of 38 problems and a run of it."""
    folder = tmp_path_factory.mktemp("earlier")
    (folder / "in.jsonl").write_text("\n".join(recorded_lines()))
    assert _built(folder, "first").returncode == 0
    return folder


def _rows(run: Path, config: str) -> list[dict[str, object]]:
    return [row for file in sorted((run / "release" / config).glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_a_release_holds_the_signatures_of_its_kept_rows_and_says_how_they_were_made(first: Path) -> None:
    ids = {row["sample_id"] for row in _rows(first / "first", "full")}
    signed = _rows(first / "first", "signatures")
    assert {row["sample_id"] for row in signed} == ids and len(signed) == len(ids) > 30
    assert all(len(row["signature"]) == 512 and len(row["fingerprint"]) == 16 for row in signed)  # type: ignore[arg-type]
    assert json.loads((first / "first/release/MANIFEST.json").read_text())["signatures"] == SPEC


def test_a_build_against_a_release_keeps_nothing_that_it_has(first: Path) -> None:
    lines = [*recorded_lines(), *(line for line in recorded_lines(60) if line not in recorded_lines())]
    (first / "more").mkdir(exist_ok=True)
    (first / "more/in.jsonl").write_text("\n".join(lines))
    done = _built(first / "more", "second", 'dedupe.against=["../first/release"]')
    assert done.returncode == 0, done.stderr
    old = {row["sample_id"] for row in _rows(first / "first", "full")}
    new = _rows(first / "more/second", "full")
    assert len(new) == 20 and not {row["sample_id"] for row in new} & old
    gone = [row for row in _rows(first / "more/second", "rejected") if row["reason"] == "duplicate_exact"]
    assert {row["duplicate"]["kept_id"] for row in gone} == old  # type: ignore[index]
    manifest = json.loads((first / "more/second/release/MANIFEST.json").read_text())
    assert manifest["against"] == {"recorded": earlier_release(str(first / "first")).sha256}
    assert manifest["recipe"]["dedupe"]["against"] == [earlier_release(str(first / "first")).sha256]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda it: None, "holds no MANIFEST.json"),
        (lambda it: "{", "is no JSON"),
        (lambda it: "[]", "is of no release that this version reads"),
        (lambda it: it | {"format": "starbeam-manifest-9"}, "is of no release that this version reads"),
        (lambda it: {key: value for key, value in it.items() if key != "signatures"}, "says no specification of signatures"),
        (lambda it: it | {"signatures": SPEC | {"seed": 2}}, "seed = 2, and this version's have 1"),
        (
            lambda it: it | {"signatures": SPEC | {"name": "minhash_v0"}},
            "name = 'minhash_v0', and this version's have 'minhash_v1'",
        ),
        (lambda it: it | {"signatures": SPEC | {"mask_numbers": True}}, "mask_numbers = True, and this version's have None"),
        (lambda it: it | {"files": [one for one in it["files"] if one["config"] != "full"]}, "has no config 'full'"),
        (lambda it: it | {"files": 7}, "is of no release that this version reads"),
        (lambda it: it | {"files": [{"config": "full", "path": "../../x"}]}, "is of no release that this version reads"),
    ],
)
def test_what_cannot_be_compared_with_is_refused_in_one_line(first: Path, tmp_path: Path, change, said: str) -> None:  # type: ignore[no-untyped-def]
    manifest = change(json.loads((first / "first/release/MANIFEST.json").read_text()))
    if manifest is not None:
        (tmp_path / "MANIFEST.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    with pytest.raises(UserError, match=r"\[dedupe\] against = ") as refused:
        earlier_release(str(tmp_path))
    assert said in str(refused.value) and "\n" not in str(refused.value)


def test_the_same_release_twice_and_thresholds_that_cross_are_refused(first: Path) -> None:
    twice = _built(first, "third", 'dedupe.against=["first", "first/release"]')
    assert twice.returncode == 2 and "names release 'recorded' twice" in twice.stderr
    crossed = _built(first, "third", "dedupe.within_problem=0.9")
    assert crossed.returncode == 2 and "within_problem = 0.9 is over threshold = 0.8" in crossed.stderr
    assert len(crossed.stderr.splitlines()) == 1


def _plan_against(folder: Path, url: str) -> Plan:
    (folder / "recipe.toml").write_text(RECORDED)
    return resolve(load(str(folder / "recipe.toml"), (f"dedupe.against=['{url}']",)))


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("named", ["{}/own", "{}/own/release", "file://{}/own/", "{}/own/../own", "{}/link", "{}/copy", "{}/rel"])
@pytest.mark.parametrize(("sample", "curate"), [(True, True), (True, False), (False, True)])
def test_a_run_that_would_replace_a_release_it_counts_as_kept_is_refused_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, sample: bool, curate: bool
) -> None:
    """Its run is named by folder, URL and links; `copy` is a release of its own whose shards are the run's by a link."""
    finish(tmp_path / "own", [Row("f" * 32, "one"), Row("e" * 32, "two")])
    (tmp_path / "own/recipe.toml").write_text("partitions = 2")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    (tmp_path / "copy").mkdir()
    for name in ("full", "signatures"):
        (tmp_path / "copy" / name).symlink_to(tmp_path / "own/release" / name)
    (tmp_path / "copy/MANIFEST.json").write_bytes((tmp_path / "own/release/MANIFEST.json").read_bytes())
    monkeypatch.chdir(tmp_path)
    plan = _plan_against(tmp_path, "own" if named == "{}/rel" else named.format(tmp_path))
    before = _files(tmp_path / "own")
    with pytest.raises(UserError, match=r"its release is one of \[dedupe\] against, and this run would replace it; give "):
        build(plan, Options(str(tmp_path / "own")), Console(), sample, curate)
    assert _files(tmp_path / "own") == before and len(before) > 7


def test_a_release_in_a_store_is_told_from_others_by_its_path(tmp_path: Path) -> None:
    finish(tmp_path / "own", [Row("f" * 32, "one")])
    store, path = storage.filesystem("memory://earlier/own")
    store.put(f"{tmp_path}/own/", path, recursive=True)
    release = earlier_release("memory://earlier/own")
    assert release.lies_in("memory://earlier/own/release/") and release.lies_in("memory:///earlier/own/release")
    assert not release.lies_in("memory://earlier/other/release") and not release.lies_in(str(tmp_path / "own/release"))
