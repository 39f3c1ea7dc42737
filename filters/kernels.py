"""Compiled kernels: they cost speed, never a run, where they cannot be had."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any


def usable(module: str, probe: Callable[[Any], object]) -> Any:
    """Return a module that needs numba, where numba is installed and the module does what `probe` asks of it, else None."""
    if importlib.util.find_spec("numba") is None:
        return None
    try:
        kernel = importlib.import_module(module)
        probe(kernel)
    except Exception:  # numba fits no numpy, finds no place to keep what it compiles, or cannot read what it kept: do without
        return None
    return kernel
