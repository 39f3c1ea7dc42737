"""What needs no vLLM: its table, what decides its answers, and the one line where it is not installed."""

import asyncio
import importlib.util
import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.teachers.model_files import BLOCK_BYTES, WHOLE_BYTES, fingerprint
from generators.teachers.vllm import OPERATIONAL, VllmTable
from pipeline.plan import resolve
from pipeline.recipes import parse
from schemas.errors import UserError
from tests.pipeline.recipes_for_tests import starbeam

RECIPE = """
name = "asked"
[[problems]]
source = "arithmetic"
count = 4
[teacher.main]
kind = "vllm"
model = "some/model"
"""


def table_of(**changes: Any) -> VllmTable:
    """Return the table of a teacher."""
    return VllmTable.model_validate({"kind": "vllm", "model": "some/model", **changes})


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_a_build_and_a_connection_name_the_install_line(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    done = starbeam("build", "recipe.toml", "--out", "run", cwd=tmp_path)
    assert done.returncode == 2 and "pip install 'starbeam[vllm]'" in done.stderr
    for run in ("engine", "server"):
        with pytest.raises(UserError, match=r"^\[teacher.main\].*pip install 'starbeam\[vllm\]'"):
            asyncio.run(table_of(run=run).connect("main", str(tmp_path), False))


def test_the_extra_that_the_install_line_names_exists() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["optional-dependencies"]["vllm"]


def test_a_python_that_is_not_there_or_of_no_use_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no program is there"):
        table_of(run="server", python=str(tmp_path / "none")).check_key("main")
    with pytest.raises(UserError, match='is for run = "server"'):
        table_of(python="/bin/false").check_key("main")


@pytest.mark.parametrize("name", ["model", "hf_token", "_api_process_count", "--max-model-len"])
def test_engine_arguments_that_have_another_place_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"teacher\.main.*engine"):
        resolve(parse(f"{RECIPE}engine = {{ {json.dumps(name)} = 1 }}", "recipe", ()))


@given(st.sampled_from(sorted(OPERATIONAL)), st.integers())
def test_where_and_how_fast_it_runs_decides_nothing(name: str, value: int) -> None:
    plain = table_of().identity()
    assert table_of(engine={name: value}, run="server", python="/bin/x", timeout=1.0, max_in_flight=3).identity() == plain


@given(st.sampled_from(["dtype", "quantization", "max_model_len", "seed", "an_argument_of_tomorrow"]), st.integers())
def test_any_other_engine_argument_decides(name: str, value: int) -> None:
    identity = table_of(engine={name: value}).identity()
    assert identity != table_of().identity()
    assert identity != table_of(engine={name: value + 1}).identity()


def _model_in(folder: Path, weights: bytes) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_a_local_model_is_known_by_its_files_not_by_its_dates(tmp_path: Path) -> None:
    one = _model_in(tmp_path / "one", b"weights a")
    copy = _model_in(tmp_path / "copy", b"weights a")
    other = _model_in(tmp_path / "other", b"weights b")
    os.utime(copy / "model.safetensors", (1, 1))
    (copy / "README.md").write_text("a note")
    assert fingerprint(str(one)) == fingerprint(str(copy)) != fingerprint(str(other))
    assert table_of(model=str(one)).identity()["files"] != table_of(model=str(other)).identity()["files"]
    (one / "config.json").write_text("[]")
    assert fingerprint(str(one)) != fingerprint(str(copy))


@settings(max_examples=20)  # each reads half a gigabyte of nothing
@given(place=st.integers(0, 63))
def test_large_weights_are_known_by_blocks_up_to_their_last_byte(tmp_path_factory: pytest.TempPathFactory, place: int) -> None:
    size = WHOLE_BYTES + 1_000_003
    folder = _model_in(tmp_path_factory.mktemp("large") / "model", b"")
    with open(folder / "model.safetensors", "r+b") as file:
        file.truncate(size)  # holes: nothing is written
        before = fingerprint(str(folder))
        file.seek((size - BLOCK_BYTES) * place // 63 + BLOCK_BYTES - 1)
        file.write(b"\x01")
    assert fingerprint(str(folder)) != before


def test_weights_in_place_of_the_models_decide_by_what_they_hold_and_not_by_where_they_lie(tmp_path: Path) -> None:
    for folder, text in (("a", "one"), ("b", "one"), ("c", "two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.safetensors").write_text(text)
    a, b, c = (table_of(weights=str(tmp_path / folder)) for folder in "abc")
    assert a.identity() == b.identity() != c.identity() != table_of().identity() and a.loaded == str(tmp_path / "a")
    plans = [resolve(parse(f"{RECIPE}weights = {json.dumps(one.weights)}", "recipe", ())) for one in (a, b)]
    assert plans[0].recipe_sha256 == plans[1].recipe_sha256 and str(tmp_path) not in json.dumps(plans[0].published)
    assert resolve(parse(plans[0].to_toml(), "recipe", ())).teachers == plans[0].teachers
    with pytest.raises(UserError, match=r"weights = '/no/such' is no folder"):
        table_of(weights="/no/such").check_key("main")
