"""A strategy that comes from another package: a real one, installed beside starbeam, and packages with something wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from generators.strategies import STRATEGIES
from pipeline import plugins
from tests.load.paid_runs import questions_of, rows_of, write_recipe
from tests.pipeline.recipes_for_tests import ROOT, SOLVED, Done, release_hashes, starbeam, starbeam_process
from tests.teacher_server import teacher_server

FAKES = {  # name of the entry point → what it says, the module's text, what the error says
    "raises": ("raises = fake:x", "1 / 0", "strategy 'raises' cannot be imported: ZeroDivisionError"),
    "nowhere": ("nowhere = fake:Nowhere", "", "strategy 'nowhere' cannot be imported: AttributeError"),
    "missing": ("missing = no_such_module:x", "", "strategy 'missing' cannot be imported: ModuleNotFoundError"),
    "no_class": ("no_class = fake:x", "x = 5", "strategy 'no_class' is fake:x, which is no subclass of"),
    "no_strategy": ("no_strategy = fake:x", "class x: pass", "strategy 'no_strategy' is fake:x, which is no subclass of"),
    "star": ("star = fake:x", "", "takes the name of starbeam's own strategy 'star'"),
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return what installs a package with an entry point: its metadata and its module, as pip would leave them."""
    monkeypatch.delitem(sys.modules, "fake", raising=False)

    def install(entry: str, module: str, package: str = "fake") -> None:
        site = tmp_path / f"site-{package}"
        info = site / f"{package}-2.5.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[{plugins.GROUP}]\n{entry}\n")
        (site / "fake.py").write_text(module)
        monkeypatch.syspath_prepend(str(site))
        plugins._plugins.cache_clear()

    yield install
    plugins._plugins.cache_clear()
    monkeypatch.delitem(sys.modules, "fake", raising=False)


@pytest.mark.parametrize("kind", FAKES)
def test_a_plugin_that_does_not_serve_is_one_line_and_exit_2(kind: str, tmp_path: Path, fake: Callable[..., None]) -> None:
    entry, module, said = FAKES[kind]
    fake(entry, module)
    (tmp_path / "r.toml").write_text(SOLVED.replace('kind = "repeated"', f'kind = "{kind if kind != "star" else "sta"}"'))
    for command in (["check", "r.toml"], ["list"], ["list", kind if kind != "star" else "sta"]):
        done = starbeam(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), command
        assert done.stderr.startswith("starbeam: plugin fake 2.5") and said in done.stderr and "uninstall" in done.stderr


def test_a_plugin_is_not_imported_while_nobody_names_it(tmp_path: Path, fake: Callable[..., None]) -> None:
    fake("raises = fake:x", "1 / 0")
    (tmp_path / "r.toml").write_text(SOLVED)
    assert starbeam("check", "r.toml", cwd=tmp_path).returncode == 0
    (tmp_path / "r.toml").write_text(SOLVED.replace('kind = "repeated"', 'kind = "raise"'))
    done = starbeam("check", "r.toml", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'raises'?" in done.stderr and "fake" not in sys.modules


def test_two_plugins_of_one_name_are_refused(tmp_path: Path, fake: Callable[..., None]) -> None:
    fake("mine = fake:x", "")
    fake("mine = fake:x", "", "other")
    done = starbeam("list", cwd=tmp_path)
    assert done.returncode == 2 and "plugin other 2.5 and plugin fake 2.5 both bring strategy 'mine'" in done.stderr


def test_our_own_strategies_come_from_no_plugin() -> None:
    assert all(plugins.release_of(kind) == {} for kind in STRATEGIES)


@pytest.mark.load
@pytest.mark.timeout(400)
def test_a_real_package_s_strategy_runs(tmp_path: Path) -> None:
    site = tmp_path / "site"
    _install(site, "1.0", tmp_path)
    with teacher_server(right=0.4) as server:
        write_recipe(tmp_path, server.url, questions_of(20))
        recipe = tmp_path / "recipe.toml"
        recipe.write_text(recipe.read_text().replace('kind = "repeated"\nsamples = 1', 'kind = "first_right"\nmost = 5'))

        def run(*arguments: str) -> Done:
            path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
            return starbeam_process(*arguments, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path})

        assert "samples of each problem one by one" in run("list").stdout
        assert "samples of a problem, at most; default 8" in run("list", "first_right").stdout
        assert "20 to 100 samples in up to 100 calls" in run("check", "recipe.toml").stdout
        built = run("build", "recipe.toml", "--out", "run")
        assert built.returncode == 0, built.stderr
        samples = rows_of(tmp_path / "run" / "samples")
        counts = [sum(row["problem_id"] == one for row in samples) for one in {row["problem_id"] for row in samples}]
        assert len(counts) == 20 and min(counts) == 1 < max(counts) <= 5
        manifest = (tmp_path / "run" / "release" / "MANIFEST.json").read_text()
        assert '"first-right": "1.0"' in manifest
        calls, before = server.stats()["calls"], release_hashes(tmp_path / "run")
        assert calls == len(samples)
        _install(site, "1.1", tmp_path)  # another version may sample otherwise: curate refuses, sample goes through the journal
        stale = run("curate", "recipe.toml", "--out", "run")
        assert stale.returncode == 2 and "made by another recipe" in stale.stderr
        assert run("build", "recipe.toml", "--out", "run").returncode == 0 and server.stats()["calls"] == calls
        after = release_hashes(tmp_path / "run")
        assert {name for name in before if before[name] != after[name]} == {"MANIFEST.json"}
        gone = starbeam_process("check", "recipe.toml", cwd=tmp_path)
        assert gone.returncode == 2 and 'kind = "first_right" is unknown' in gone.stderr


def _install(site: Path, version: str, folder: Path) -> None:
    """Install the package with pip into a folder of its own, as the version."""
    source = folder / f"source-{version}"
    shutil.copytree(ROOT / "tests" / "strategy_plugin", source, ignore=shutil.ignore_patterns("__pycache__"))
    project = source / "pyproject.toml"
    project.write_text(project.read_text().replace('version = "1.0"', f'version = "{version}"'))
    shutil.rmtree(site, ignore_errors=True)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True, cwd=folder, timeout=100)
