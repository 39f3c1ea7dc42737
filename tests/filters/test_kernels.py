"""That a kernel which cannot be had is done without."""

import pytest

from filters import kernels


def _raise(error: Exception) -> None:
    raise error


def test_what_answers_is_used() -> None:
    assert kernels.usable("filters.known", lambda module: module.Known) is not None


@pytest.mark.parametrize(
    "error", [RuntimeError("no locator available"), ImportError("another numpy"), OSError(28, "full"), EOFError()]
)
def test_what_fails_in_any_way_is_not(error: Exception) -> None:
    assert kernels.usable("filters.known", lambda module: _raise(error)) is None
    assert kernels.usable("filters.no_such_kernel", lambda module: None) is None


def test_without_numba_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels.importlib.util, "find_spec", lambda name: None)
    assert kernels.usable("filters.known", lambda module: None) is None
