"""Command lines that run a program inside bubblewrap: own namespaces, a file tree of the paths named, no privilege.

Inside there are the shared libraries, `/dev/null`, an empty scratch folder at `/tmp` and what the caller binds, read-only:
no `/proc`, no network, no other process.  The environment is the caller's: bubblewrap hands on its own, so start it with an
empty one (`/proc/1/environ` would otherwise show it to whoever mounts `/proc`).
"""

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence

NOBODY = "65534"
SCRATCH_BYTES = 16 << 20  # programs of benchmarks write no files; enough for one that sorts something on disk
PROBE_SECONDS = 30.0  # it takes 0.05 s; a machine under heavy load is not one without bubblewrap
_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
_AS_USER = ("--unshare-user", "--uid", NOBODY, "--gid", NOBODY, "--cap-drop", "ALL")
_AS_ROOT = ("--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
# Root's own way: a user namespace would map 65534 to the root outside, whom no process limit holds; here root becomes 65534 indeed.
_DROP_ROOT = ("--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "--pdeathsig=KILL")


def available() -> bool:
    """Say whether bubblewrap works here; tried once in a process.  Many containers forbid the namespaces it needs."""
    return _privileges() is not None


def wrapped(command: Sequence[str], *, read_only: Sequence[str] = (), scratch_bytes: int = SCRATCH_BYTES) -> tuple[str, ...]:
    """Return the command line that runs `command` (its program by absolute path) in bubblewrap.

    `read_only` are absolute paths that it sees, each at its own place; `/tmp`, where it starts, holds up to `scratch_bytes`.
    Its process is number 2 of its namespace, below bubblewrap's own.  All inside ends with the *thread* that started it: the kernel
    takes that thread for the parent.  Raises RuntimeError where bubblewrap does not work.
    """
    privileges = _privileges()
    if privileges is None:
        raise RuntimeError("bubblewrap does not work here; ask `available` first")
    return _line(command, privileges, read_only, scratch_bytes)


def interpreter_paths(executable: str) -> tuple[str, ...]:
    """Return what this interpreter is made of, to be seen by itself inside: program, standard library, libraries beside it."""
    library = sysconfig.get_config_var("LIBDIR") or ""
    shared = os.path.join(library, sysconfig.get_config_var("INSTSONAME") or "none")
    stdlib = os.path.realpath(sysconfig.get_path("stdlib"))
    own = os.path.join(sys.base_prefix, "lib")
    alone = sys.base_prefix not in ("/usr", "/usr/local") and os.path.isdir(own)  # an installation that brings its libraries along
    return (os.path.realpath(executable), stdlib, *([own] if alone else []), *([shared] if os.path.exists(shared) else []))


def _line(command: Sequence[str], privileges: tuple[str, ...], read_only: Sequence[str], scratch_bytes: int) -> tuple[str, ...]:
    launcher = (_program("setpriv"), *_DROP_ROOT, "--") if privileges == _AS_ROOT else ()
    paths = _outermost((*_libraries(), *read_only, *launcher[:1]))
    return (
        _program("bwrap"),
        *_NAMESPACES,
        *privileges,
        *("--new-session", "--die-with-parent"),
        *("--perms", "1777", "--size", str(scratch_bytes), "--tmpfs", "/tmp"),  # first: a path to bind may lie below
        *_folders((*paths, "/dev/null")),
        *(word for path in paths for word in ("--ro-bind", path, path)),
        *("--dev-bind", "/dev/null", "/dev/null"),
        *("--chdir", "/tmp"),
        *("--remount-ro", "/"),  # the root is a tmpfs without a limit: it must not take files
        "--",
        *launcher,
        *command,
    )


@functools.cache
def _privileges() -> tuple[str, ...] | None:
    """Return the first set of flags with which bubblewrap runs this interpreter, None where none does."""
    if shutil.which("bwrap") is None:
        return None
    attempts = [(*_AS_USER, "--disable-userns"), _AS_USER]  # 0.8 and later can forbid further user namespaces
    if os.geteuid() == 0 and shutil.which("setpriv"):
        attempts.insert(0, _AS_ROOT)
    probe = (os.path.realpath(sys.executable), "-I", "-S", "-c", "import ctypes, json")
    for privileges in attempts:
        line = _line(probe, privileges, interpreter_paths(probe[0]), SCRATCH_BYTES)
        try:
            if subprocess.run(line, env={}, capture_output=True, timeout=PROBE_SECONDS).returncode == 0:
                return privileges
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def _program(name: str) -> str:
    """Return the real path of a program that was found before."""
    return os.path.realpath(shutil.which(name) or name)


@functools.cache
def _libraries() -> tuple[str, ...]:
    """Return where the loader and the shared libraries are: with Debian's multiarch, Fedora's lib64, or plain."""
    triplet = sysconfig.get_config_var("MULTIARCH") or "none"
    narrow = [f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib64", "/usr/lib64"]
    found = tuple(path for path in narrow if os.path.isdir(path))
    return found or tuple(path for path in ("/lib", "/usr/lib") if os.path.isdir(path))


def _outermost(paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that lie in no other of them, each once, in order."""
    kept = dict.fromkeys(os.path.normpath(path) for path in paths)
    return tuple(path for path in kept if not any(path.startswith(other + "/") for other in kept))


def _folders(paths: Iterable[str]) -> tuple[str, ...]:
    """Return flags that make the folders above `paths`: bubblewrap would make them for root alone."""
    folders: dict[str, None] = {}
    for path in paths:
        above = path.split("/")[1:-1]
        folders.update(dict.fromkeys("/" + "/".join(above[: depth + 1]) for depth in range(len(above))))
    folders.pop("/tmp", None)
    return tuple(word for folder in folders for word in ("--perms", "0755", "--dir", folder))
