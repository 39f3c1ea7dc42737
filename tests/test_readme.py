"""The README is true: every command in it runs, in its order, in a folder with nothing but the recipes."""

import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from pipeline.exports import EXPORTS
from pipeline.plan import resolve
from pipeline.recipes import parse
from tests.load.paid_runs import rows_of
from tests.pipeline.recipes_for_tests import starbeam
from tests.teacher_server import teacher_server

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(language: str, name: str = "README.md") -> list[str]:
    return [body for found, body in BLOCK.findall((ROOT / name).read_text()) if found == language]


def readme_commands() -> list[str]:
    """Return the commands of the README, in their order."""
    return [line for block in _blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.mark.load
def test_every_command_of_the_readme_runs(tmp_path: Path) -> None:
    # The loop trains models: tests/vllm/test_star_loop.py runs its line.
    commands = [line for line in readme_commands() if not line.startswith(("make ", "starbeam star "))]
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    said = ""
    with teacher_server() as server:
        for recipe in (tmp_path / "recipes").glob("*.toml"):  # small ones, for the time
            small = recipe.read_text().replace("count = 400", "count = 40").replace("partitions = 8", "partitions = 2")
            recipe.write_text(small.replace("http://127.0.0.1:8000/v1", server.url))
        for line in commands:
            if line.startswith("starbeam "):
                done = starbeam(*shlex.split(line, comments=True)[1:], cwd=tmp_path)
                assert done.returncode == 0, (line, done.stderr)
                said += done.stdout
            else:
                subprocess.run(line, shell=True, check=True, cwd=tmp_path, timeout=10)
        samples = rows_of(tmp_path / "runs" / "served" / "samples")
        tagged = {(row["problem_id"], row["response"]) for row in samples if row["tagged"] is not None}  # equal ones are asked once
        assert server.stats()["given"] == 4 * 40 + len(tagged) > 4 * 40
    assert sum(line.startswith("starbeam ") for line in commands) >= 10
    assert (tmp_path / "runs" / "mine" / "release" / "MANIFEST.json").exists()
    assert "<svg" in (tmp_path / "runs" / "mine" / "report.html").read_text()
    shown = ("passed", "proved", "wrong_equation", "quotes_hint")
    assert all(f'"{word}"' in said for word in shown)
    assert '"status": "correct"' in said and '"duplicate": null' in (tmp_path / "runs" / "unique.jsonl").read_text()


def test_every_make_target_that_is_named_exists_and_ci_runs_it() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        name
        for text in ("README.md", "CONTRIBUTING.md")
        for name in re.findall(r"^make ([a-z-]+)", (ROOT / text).read_text(), re.MULTILINE)
    }
    assert named and named <= targets
    assert named <= set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))


def test_the_recipes_of_the_readme_are_recipes() -> None:
    teachers, text, kept = _blocks("toml")
    assert tomllib.loads(text)["name"] == resolve(parse(text, "README.md")).recipe.name
    rest = 'name = "readme"\n[problems]\nsource = "maze"\ncount = 1\n'
    assert resolve(parse(rest + teachers, "README.md")).asked == ["both"]
    plan = resolve(parse(f'{rest}[teacher.main]\nkind = "solver"\n{kept}', "README.md"))
    assert plan.recipe.select.distinct == "equations" and set(plan.recipe.export.configs) < set(EXPORTS)


def test_ready_recipes_resolve() -> None:
    for path in sorted((ROOT / "recipes").glob("*.toml")):
        assert resolve(parse(path.read_text(), str(path))).recipe.partitions > 0
