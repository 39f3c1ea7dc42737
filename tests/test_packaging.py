"""What the wheel holds: the top-level names are general, so exactly these four and nothing beside them."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"filters", "generators", "pipeline", "schemas"}


@pytest.mark.load
def test_the_wheel_holds_the_four_rooms_whole(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a copy: a build leaves files where it works
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, cwd=tmp_path, timeout=100)
    (wheel,) = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == ROOMS
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sorted(names) == sorted(str(path.relative_to(ROOT)) for path in files)


def test_every_package_is_listed_and_torch_is_no_default() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {
        str(path.parent.relative_to(ROOT)).replace("/", ".") for room in ROOMS for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == packages
    locked = (ROOT / "locks" / "run.txt").read_text()
    assert "\ntorch==" not in locked and "\nvllm==" not in locked and "\napache-beam==" in locked
