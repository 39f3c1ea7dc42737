"""The helper of the symbolic comparison: it bounds itself, what it does not bound its caller does, and no text runs code."""

import concurrent.futures
import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from filters import symbolic
from filters.children import ChildSpec, pool_of
from filters.symbolic import HELPER, Outcome, child, compare
from tests.filters.test_symbolic import DIFFERENT, EQUAL, ROOT, UNKNOWN, needs_math_verify


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    symbolic._compared.cache_clear()
    yield
    symbolic._compared.cache_clear()


FAKE = """
import json, sys, time
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    if sys.argv[1] == "hangs":
        time.sleep(60)
    elif sys.argv[1] == "dies":
        raise SystemExit
    print(json.dumps({"relation": "certainly", "reason": ""}), flush=True)
"""


@pytest.mark.parametrize(("does", "reason"), [("hangs", "timeout"), ("dies", "died"), ("lies", "no_json")])
def test_a_bad_helper_hurts_nobody(does: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake.py").write_text(FAKE)
    command = (sys.executable, "-IS", str(tmp_path / "fake.py"), does)
    monkeypatch.setattr(symbolic, "HELPER", ChildSpec(command=command, wall_seconds=0.1 if does == "hangs" else 10, requests=9))
    assert compare("x", "y") == compare("x", "y") == Outcome("unknown", reason)


def test_without_math_verify_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = (HELPER.command[0], "-S", *HELPER.command[1:])  # without the installed packages
    monkeypatch.setattr(symbolic, "HELPER", dataclasses.replace(HELPER, command=bare))
    assert compare("x", "y") == compare("x", "x") == Outcome("unknown", "symbolic_unavailable")


class _Raising:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error

    def compared(self, gold: str, answer: str, decimal: bool) -> tuple[str, str]:
        if self.error is not None:
            raise self.error
        while True:  # until the time is over
            pass


@pytest.mark.parametrize(
    ("error", "reason"), [(None, "cpu_limit"), (MemoryError(), "memory_limit"), (RecursionError(), "recursion")], ids=str
)
def test_the_helper_gives_up_by_itself(error: BaseException | None, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "CPU_SECONDS", 0.02)
    before = signal.signal(signal.SIGVTALRM, child._out_of_time)
    try:
        reply = child._answered(_Raising(error), {"gold": "", "answer": "", "decimal": False})  # type: ignore[arg-type]  # a stand-in
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert reply == {"relation": "unknown", "reason": reason, "last": True}


@pytest.mark.load
@needs_math_verify
def test_a_killed_helper_is_replaced() -> None:
    assert compare("x", "x").relation == "equal"
    with pool_of(HELPER).lend() as helper:
        os.kill(helper._process.pid, signal.SIGKILL)
    assert compare("y", "y").relation in ("equal", "unknown")  # dead already, or dying
    assert compare("z", "z").relation == "equal"


def test_outcomes_pickle() -> None:
    assert pickle.loads(pickle.dumps(Outcome("equal", "equal"))) == Outcome("equal", "equal")
    assert pickle.loads(pickle.dumps(compare)) is compare


# Attacks and the ways a runner calls: seconds each

HOSTILE = [
    (r"\binom{10000000}{5000000}", "1", "different"),
    (r"(x+y+z+w)^{500}-(x+y)^{300}", r"(w+z+y+x)^{500}-(y+x)^{300}+\sin^2 x+\cos^2 x-1", "equal"),
    (r"\sqrt{1+" * 60 + "x" + "}" * 60, "x", "different"),
    ("(" * 60 + "x" + "+1)" * 60, "x+60", "equal"),
    (r"\frac{1}{1+" * 60 + "x" + "}" * 60, "x", "different"),
    ("|" * 60 + "x" + "|" * 60, "|x|", "equal"),
    ("9^{999}" * 60, "9^{59941}", "different"),
    ("(9^{999})^{999}", "(9^{999})^{998}", "different"),
    ("(((9!)!)!)", "1", "different"),
    (r"\sin" * 200 + " x", "x", "different"),
    ("x+" * 1000 + "x", "1001x", "equal"),
    ("x^{100000000}-1", "(x-1)(x+1)", "different"),
    (r"e^{e^{e^{e^{e^{e^{x}}}}}}", "x", "different"),
    (r"\begin{pmatrix}" + "&".join(["1"] * 200) + r"\end{pmatrix}", r"\begin{pmatrix}1\end{pmatrix}", "different"),
    (r"\{" * 60 + "1" + r"\}" * 60, "1", "different"),
    ("[" * 30 + "1,2" + "]" * 30, "1", "different"),
    ("1" * 256 + "/" + "7" * 256, "1", "different"),
    (r"\tan " + "9" * 250, "1", "different"),
]


@pytest.mark.load
@needs_math_verify
@pytest.mark.parametrize(("gold", "answer", "expected"), HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_long_or_is_believed(gold: str, answer: str, expected: str) -> None:
    compare("x", "y")  # the helper is up
    began = time.monotonic()
    assert compare(gold, answer).relation in ("unknown", expected)
    assert time.monotonic() - began < HELPER.wall_seconds + 3  # of which the limit is the helper's; the rest is a loaded machine's
    assert compare("x+1", "1+x").relation == "equal"


@pytest.mark.load
@needs_math_verify
def test_text_runs_no_code(tmp_path: Path) -> None:
    spoor = tmp_path / "spoor"
    code = f"__import__('pathlib').Path({str(spoor)!r}).touch()"
    for text in (code, rf"\bar{{{code}}}", rf"\text{{{code}}}", f"x_{{{code}}}", rf"\operatorname{{{code}}}(x)"):
        assert compare(text, "x").relation == "unknown"
        pool_of(HELPER).ask({"gold": text, "answer": "x", "decimal": False})  # straight to the parser
        assert not spoor.exists()


@pytest.mark.load
@needs_math_verify
def test_a_helper_keeps_to_its_memory() -> None:
    with pool_of(HELPER).lend() as helper:
        helper.ask({"gold": "x", "answer": "x", "decimal": False})
        limits = Path(f"/proc/{helper._process.pid}/limits").read_text()
    assert f"Max address space         {1 << 30}           {1 << 30}" in limits


@pytest.mark.load
@needs_math_verify
def test_threads_and_forked_processes_agree() -> None:
    pairs = [*EQUAL, *DIFFERENT, *UNKNOWN]
    expected = [compare(*pair) for pair in pairs]
    symbolic._compared.cache_clear()
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert list(threads.map(compare, *zip(*reversed(pairs), strict=True))) == expected[::-1]
    symbolic._compared.cache_clear()
    with concurrent.futures.ProcessPoolExecutor(2) as processes:  # forked here, where helpers run
        assert list(processes.map(compare, *zip(*pairs, strict=True))) == expected


@pytest.mark.load
@needs_math_verify
@pytest.mark.parametrize("seed", ["1", "2"])
def test_outcomes_do_not_depend_on_the_process(seed: str) -> None:
    pairs = [*EQUAL, *DIFFERENT, *UNKNOWN][:: 1 if seed == "1" else -1]
    code = (
        "import json, sys; from filters.symbolic import compare as c; print(json.dumps([c(*one) for one in json.load(sys.stdin)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(pairs),
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert [Outcome(*one) for one in json.loads(done.stdout)] == [compare(*pair) for pair in pairs]
