"""The README is true: every command in it runs, in its order, in a folder with nothing but the recipes."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from pipeline.plan import resolve
from pipeline.recipes import parse

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(language: str, name: str = "README.md") -> list[str]:
    return [body for found, body in BLOCK.findall((ROOT / name).read_text()) if found == language]


def _commands() -> list[str]:
    return [line for block in _blocks("sh") for line in block.splitlines() if line.strip()]


def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    commands = [line for line in _commands() if not line.startswith("make ")]
    assert sum(line.startswith("starbeam ") for line in commands) >= 10
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    (tmp_path / "run.sh").write_text("set -eux\n" + "\n".join(commands))
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "run.sh"], cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path)}, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "runs" / "mine" / "release" / "MANIFEST.json").exists()
    assert '"status": "correct"' in done.stdout and '"duplicate": null' in (tmp_path / "runs" / "unique.jsonl").read_text()


def test_every_make_target_that_is_named_exists_and_ci_runs_it() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for text in ("README.md", "CONTRIBUTING.md")
        for name in re.findall(r"^make ([a-z-]+)", (ROOT / text).read_text(), re.MULTILINE)
    }
    assert named and named <= targets
    assert named <= set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))


def test_the_recipe_of_the_readme_is_a_recipe() -> None:
    (text,) = _blocks("toml")
    assert tomllib.loads(text)["name"] == resolve(parse(text, "README.md")).recipe.name


def test_ready_recipes_resolve() -> None:
    for path in sorted((ROOT / "recipes").glob("*.toml")):
        assert resolve(parse(path.read_text(), str(path))).recipe.partitions > 0
