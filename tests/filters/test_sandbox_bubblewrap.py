"""Command lines of bubblewrap; what they keep out is in `test_sandbox_attacks`."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from filters.sandbox import bubblewrap

PYTHON = os.path.realpath(sys.executable)


@pytest.fixture
def fresh() -> Iterator[None]:
    bubblewrap._privileges.cache_clear()
    yield
    bubblewrap._privileges.cache_clear()


def test_where_it_is_not_installed_it_is_not_available(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not bubblewrap.available()
    with pytest.raises(RuntimeError):
        bubblewrap.wrapped(("/bin/true",))


def test_where_it_may_not_make_namespaces_it_is_not_available(fresh: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert not bubblewrap.available()


def test_paths_in_others_are_bound_once_and_the_folders_above_are_open_to_all() -> None:
    assert bubblewrap._outermost(("/usr/lib", "/usr", "/usr/", "/usrlocal", "/a/b/../b")) == ("/usr", "/usrlocal", "/a/b")
    flags = bubblewrap._folders(("/a/b/c", "/a/d", "/e"))
    assert flags == ("--perms", "0755", "--dir", "/a", "--perms", "0755", "--dir", "/a/b")


def ran(program: str, *read_only: str) -> str:
    if not bubblewrap.available():
        pytest.skip("bubblewrap does not work on this machine")
    line = bubblewrap.wrapped((PYTHON, "-I", "-S", "-c", program), read_only=(*bubblewrap.interpreter_paths(PYTHON), *read_only))
    return subprocess.run(line, env={"KEPT": "yes"}, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_a_program_sees_what_is_bound_as_nobody_in_its_scratch_folder(tmp_path: Path) -> None:
    (tmp_path / "seen.txt").write_text("seen")
    (tmp_path / "hidden").mkdir()
    path = str(tmp_path / "seen.txt")
    program = f"""
import os
print(os.getuid(), os.getgid(), os.getgroups(), os.getpid(), os.getcwd(), os.environ["KEPT"], os.path.exists("/proc"))
print(open({path!r}).read(), os.listdir({str(tmp_path)!r}))
"""
    assert ran(program, path).split("\n") == ["65534 65534 [] 2 /tmp yes False", "seen ['seen.txt']"]


def test_privileges_do_not_come_back() -> None:
    """No capability in any set, and no way to root."""
    program = """
import ctypes
libc = ctypes.CDLL(None)
header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc.capget(header, data)
print(list(data), sum(libc.prctl(23, number, 0, 0, 0) == 1 for number in range(41)), libc.prctl(39, 0, 0, 0, 0), libc.setuid(0))
"""
    assert ran(program) == "[0, 0, 0, 0, 0, 0] 0 1 -1"


def test_the_scratch_folder_is_small_and_nothing_else_takes_files() -> None:
    program = """
import os
state = os.statvfs("/tmp")
print(state.f_blocks * state.f_frsize, *(os.access(path, os.W_OK) for path in ("/tmp", "/", "/usr", "/dev")))
"""
    assert ran(program) == f"{bubblewrap.SCRATCH_BYTES} True False False False"
