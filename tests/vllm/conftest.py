"""The model that these tests share, and settings with which vLLM is quick on a CPU."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.vllm.tiny_model import LENGTH, save_model

SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TORCH_COMPILE_DISABLE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
}
ENGINE: dict[str, Any] = {"dtype": "float32", "enforce_eager": True, "max_model_len": LENGTH, "max_num_seqs": 32}


@pytest.fixture(scope="session", autouse=True)
def _settings() -> None:
    os.environ.update(SETTINGS)  # before vLLM is imported


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model."""
    folder = tmp_path_factory.mktemp("model")
    save_model(folder)
    return folder


@pytest.fixture
def recipe(model: Path, tmp_path: Path) -> Path:
    """Return a folder with a recipe whose teacher is the tiny model."""
    engine = ", ".join(f"{name} = {json.dumps(value)}" for name, value in ENGINE.items())
    (tmp_path / "recipe.toml").write_text(f"""
name = "tiny"
seed = 5
partitions = 2
[[problems]]
source = "arithmetic"
count = 12
[teacher.main]
kind = "vllm"
model = {json.dumps(str(model))}
engine = {{ {engine} }}
sampling = {{ temperature = 1.0, max_tokens = 24 }}
[strategy]
kind = "repeated"
samples = 2
""")
    return tmp_path
