"""Where each prover is on this machine."""

import functools
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from filters.provers.process import Installed, ProcessProver

ASKING_SECONDS = 30.0  # a program says where its library is within 0.1 s


@functools.cache
def find_coq() -> Installed | None:
    """Return Coq or Rocq: $COQTOP, else coqtop on PATH.  Its own configuration names its libraries."""
    program = _program("COQTOP", "coqtop")
    settings = dict(line.partition("=")[::2] for line in _said(program, "-config").split("\n"))
    if program is None or "COQLIB" not in settings:
        return None
    library, core = (os.path.realpath(settings.get(name, settings["COQLIB"])) for name in ("COQLIB", "COQCORELIB"))
    plugins = (("OCAMLFIND_CONF", os.devnull), ("OCAMLPATH", os.path.dirname(core)))  # its library loader wants a configuration
    return Installed((("COQTOP", program), ("HOME", "/"), *plugins), (program, library, core))


@functools.cache
def find_z3() -> Installed | None:
    """Return the Python package `z3-solver`."""
    found = importlib.util.find_spec("z3")
    return None if found is None or found.origin is None else Installed(packages=(str(Path(found.origin).parent),))


@functools.cache
def find_lean() -> Installed | None:
    """Return Lean 4: $LEAN, else lean on PATH; $LEAN_PATH holds further libraries, such as Mathlib's.

    The program may be a toolchain manager's: asked for its prefix, it names the one that it stands for.
    """
    program = _program("LEAN", "lean")
    prefix = _said(program, "--print-prefix").strip()
    if not prefix:
        return None
    libraries = tuple(path for path in os.environ.get("LEAN_PATH", "").split(":") if os.path.isdir(path))
    environment = (("LEAN", os.path.join(prefix, "bin", "lean")), ("LEAN_PATH", ":".join(libraries)))
    return Installed(environment, (prefix, *libraries))


COQ = ProcessProver(name="coq", server="filters.provers.coq_server", find=find_coq)
Z3 = ProcessProver(name="z3", server="filters.provers.z3_server", find=find_z3, grace_seconds=5.0)  # nothing is imported
LEAN = ProcessProver(name="lean", server="filters.provers.lean_server", find=find_lean)


def _program(variable: str, name: str) -> str | None:
    found = shutil.which(os.environ.get(variable) or name)
    return None if found is None else os.path.realpath(found)


def _said(program: str | None, flag: str) -> str:
    """Return what a program answers, "" where it is not there or fails."""
    if program is None:
        return ""
    try:
        run = subprocess.run([program, flag], capture_output=True, timeout=ASKING_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return run.stdout.decode("utf-8", "replace")
