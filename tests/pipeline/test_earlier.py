import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from filters.signatures import SPEC
from pipeline import shards, storage
from pipeline.build import Options, build
from pipeline.earlier import EarlierShard, earlier_release
from pipeline.manifest import ReleaseFacts
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


@pytest.mark.load
def test_a_release_holds_the_signatures_of_its_kept_rows_and_says_how_they_were_made(first: Path) -> None:
    ids = {row["sample_id"] for row in _rows(first / "first", "full")}
    signed = _rows(first / "first", "signatures")
    assert {row["sample_id"] for row in signed} == ids and len(signed) == len(ids) > 30
    assert all(len(row["signature"]) == 512 and len(row["fingerprint"]) == 16 for row in signed)  # type: ignore[arg-type]
    assert json.loads((first / "first/release/MANIFEST.json").read_text())["signatures"] == SPEC


@pytest.mark.load
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
    assert manifest["against"] == [{"name": "recorded", "sha256": earlier_release(str(first / "first")).sha256}]
    assert manifest["recipe"]["dedupe"]["against"] == [earlier_release(str(first / "first")).sha256]


def _without(manifest: dict[str, Any], config: str) -> dict[str, Any]:
    left = {name: one for name, one in manifest["configs"].items() if name != config}
    return manifest | {"files": [one for one in manifest["files"] if one["config"] != config], "configs": left}


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
        (lambda it: _without(it, "full"), "has no config 'full', whose texts copies are compared by; add it"),
        (lambda it: _without(it, "signatures"), "names 0 files with 0 rows of config 'signatures', and none in its configs"),
        (
            lambda it: it | {"files": []},
            "names 0 files with 0 rows of config 'signatures', and 2 files with 38 rows in its configs",
        ),
        (lambda it: it | {"files": it["files"][1:]}, "names 1 files with "),
        (lambda it: it | {"files": [*it["files"], it["files"][0]]}, "names a file twice"),
        (lambda it: it | {"files": [one | {"rows": 1} for one in it["files"]]}, "names 2 files with 2 rows"),
        (lambda it: it | {"files": [one | {"config": "full"} for one in it["files"]]}, "is of no release that this version reads"),
        (lambda it: it | {"files": [{**one, "sha256": 7} for one in it["files"]]}, "is of no release that this version reads"),
        (lambda it: it | {"configs": None}, "is of no release that this version reads"),
        (lambda it: it | {"name": 5}, "is of no release that this version reads"),
        (lambda it: "[" * 200_000, "is no JSON: maximum recursion depth exceeded"),
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


SHARDS = {name: f"release/{name}/train-00000-of-00002.parquet" for name in ("signatures", "full")}


def _finished(run: Path) -> EarlierShard:
    """Write a release and return its first shard, of two rows."""
    finish(run, [Row(digit * 32, f"text {digit}") for digit in "abcd"])
    return EarlierShard(*(str(run / path) for path in SHARDS.values()))


def _refused(run: Path) -> str:
    with pytest.raises(UserError) as refused:
        earlier_release(str(run))
    said = str(refused.value)
    assert said.endswith("; get that release anew, or leave it out of `against`") and "\n" not in said and "remove" not in said
    return said


@pytest.mark.parametrize("config", SHARDS)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: None, "cannot read {url}: No such file or directory"),
        (lambda data: data[:-1], "{url}: "),
        (lambda data: b"", "{url}: "),
        (lambda data: data[:-8] + b"\xff" * 4 + data[-4:], "{url}: "),
        (lambda data: data.replace(b"sample_id", b"sample_\xffd"), "{url}: "),
    ],
)
def test_a_file_that_is_not_the_manifests_is_refused(
    tmp_path: Path, config: str, change: Callable[[bytes], bytes | None], said: str
) -> None:
    _finished(tmp_path)
    path = tmp_path / SHARDS[config]
    changed = change(path.read_bytes())
    path.unlink() if changed is None else path.write_bytes(changed)
    assert said.format(url=path) in _refused(tmp_path)


def _listed_anew(run: Path) -> None:
    """Make a manifest say of each file what it is."""
    path = run / "release/MANIFEST.json"
    manifest = json.loads(path.read_text())
    for one in manifest["files"]:
        data = (run / "release" / one["path"]).read_bytes()
        one |= {"bytes": len(data), "sha256": shards.data_hash(data), "rows": shards.row_count(f"{run}/release/{one['path']}")}
    for config, entry in manifest["configs"].items():
        entry["rows"] = sum(one["rows"] for one in manifest["files"] if one["config"] == config)
    path.write_text(json.dumps(manifest))


def test_other_bytes_of_the_same_rows_and_numbers_of_other_files_are_refused(tmp_path: Path) -> None:
    _finished(tmp_path)
    path, table = tmp_path / SHARDS["signatures"], pq.read_table(tmp_path / SHARDS["signatures"])
    pq.write_table(table, path)
    assert f"{path}: its SHA-256 is not the one in MANIFEST.json" in _refused(tmp_path)
    _listed_anew(tmp_path)
    assert earlier_release(str(tmp_path)).rows == 4
    listed = tmp_path / "release/MANIFEST.json"
    manifest = json.loads(listed.read_text())
    for one in manifest["files"]:
        one["rows"] += -1 if "00000" in one["path"] else 1
    listed.write_text(json.dumps(manifest))
    assert f"{path}: has 2 rows, and MANIFEST.json says 1" in _refused(tmp_path)


def _replaced(table: pa.Table, name: str, values: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, kind or table.schema.field(name).type))


BAD_UTF8 = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(np.int32([0, 1, 2]).tobytes()), pa.py_buffer(b"a\xff")])


@pytest.mark.parametrize(
    ("config", "change", "said"),
    [
        ("signatures", lambda it: _replaced(it, "sample_id", ["a" * 32, "row-2"]), "row 2: sample_id is 'row-2', not 32 hexa"),
        (
            "signatures",
            lambda it: _replaced(it, "sample_id", [None, "a" * 32]),
            "row 1: sample_id is null, not 32 hexadecimal digits",
        ),
        ("signatures", lambda it: _replaced(it, "sample_id", ["a" * 32 + "\n"] * 2), "row 1: sample_id is 'aaa"),
        ("signatures", lambda it: _replaced(it, "problem_id", ["p", None]), "row 2: problem_id is null, not a text"),
        ("signatures", lambda it: _replaced(it, "fingerprint", [b"1" * 16, b"1" * 15]), "row 2: fingerprint is 15 bytes, not 16"),
        ("signatures", lambda it: _replaced(it, "signature", [b"abc"] * 2), "row 1: signature is 3 bytes, not 512 bytes"),
        ("signatures", lambda it: _replaced(it, "signature", [None] * 2), "row 1: signature is null, not 512 bytes"),
        ("signatures", lambda it: _replaced(it, "answer", [1, 2], pa.int64()), "its columns are sample_id string, problem_id"),
        ("signatures", lambda it: it.rename_columns([*it.column_names[:-1], "other"]), "other binary, not sample_id, problem_id, "),
        ("signatures", lambda it: it.set_column(1, "problem_id", BAD_UTF8), "Invalid UTF8"),
        ("signatures", lambda it: it.slice(0, 1), "has 2 rows, and "),
        ("full", lambda it: it.slice(0, 0), "has 0 rows, and "),
        ("full", lambda it: it.drop_columns(["response"]), "has no column 'response' of texts"),
        ("full", lambda it: _replaced(it, "reasoning", [1, 2], pa.int64()), "has no column 'reasoning' of texts"),
        ("full", lambda it: it.append_column("response", it["response"]), "has no column 'response' of texts"),
    ],
)
def test_values_that_no_release_has_are_refused_though_the_manifest_names_them(
    tmp_path: Path, config: str, change: Callable[[pa.Table], pa.Table], said: str
) -> None:
    _finished(tmp_path)
    path = tmp_path / SHARDS[config]
    pq.write_table(change(pq.read_table(path)), path)
    _listed_anew(tmp_path)
    refused = _refused(tmp_path)
    assert said in refused and str(tmp_path / "release") in refused


@pytest.mark.parametrize(
    ("config", "change", "said"),
    [
        ("full", lambda it: _replaced(it, "response", ["", None]), "row 2: response is null, not a text"),
        ("full", lambda it: it.set_column(it.schema.get_field_index("response"), "response", BAD_UTF8), "Invalid UTF8"),
        ("full", lambda it: it.take([1, 0]), "its rows are not those of"),
        ("full", lambda it: it.slice(0, 1), "its rows are not those of"),
        ("full", lambda it: it.drop_columns(["reasoning"]), "has no column 'reasoning'"),
        ("full", None, "cannot read "),
        ("signatures", None, "cannot read "),
    ],
)
def test_texts_that_no_release_has_are_refused_where_they_are_read(
    tmp_path: Path, config: str, change: Callable[[pa.Table], pa.Table] | None, said: str
) -> None:
    shard, path = _finished(tmp_path), tmp_path / SHARDS[config]
    assert shard.texts(np.array([1, 0])) == ["text c", "text a"]
    if change is None:
        path.write_bytes(path.read_bytes()[:-1])
    else:
        pq.write_table(change(pq.read_table(path)), path)
    with pytest.raises(UserError, match=r"; get that release anew, or leave it out of `against`$") as refused:
        shard.texts(np.array([0, 1]))
    assert f"{path}" in str(refused.value) and said in str(refused.value) and "remove" not in str(refused.value)


def test_signatures_that_change_after_the_check_are_refused_where_they_are_read(tmp_path: Path) -> None:
    shard, path = _finished(tmp_path), tmp_path / SHARDS["signatures"]
    assert earlier_release(str(tmp_path)).rows == 4 and shard.signatures().num_rows == 2
    pq.write_table(_replaced(pq.read_table(path), "signature", [b"abc"] * 2), path)
    with pytest.raises(UserError, match="row 1: signature is 3 bytes, not 512 bytes"):
        shard.signatures()


def test_releases_of_one_name_are_both_in_the_manifest_whatever_their_order(tmp_path: Path) -> None:
    for name, text in (("one", "some text"), ("two", "another text")):
        finish(tmp_path / name, [Row("f" * 32, text)])
    found = {earlier_release(str(tmp_path / name)).sha256 for name in ("one", "two")}
    (tmp_path / "recipe.toml").write_text(RECORDED)
    for names in (("one", "two"), ("two", "one")):
        against = ", ".join(f"'{tmp_path / name}'" for name in names)
        plan = resolve(load(str(tmp_path / "recipe.toml"), (f"dedupe.against=[{against}]",)))
        entries = ReleaseFacts.of(plan, []).against
        assert [(one.name, one.sha256) for one in entries] == [("small", sha256) for sha256 in sorted(found)]
    assert len(found) == 2
