"""Settings of all tests."""

import gc

import pytest
from hypothesis import settings

# A deadline would test the machine; 50 examples keep the fast suite under its minute.
settings.register_profile("starbeam", deadline=None, max_examples=50)
settings.load_profile("starbeam")

LONG = ("test_readme", "test_build")  # whole runs in processes of their own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: not item.nodeid.rpartition("/")[2].startswith(LONG))


def pytest_collection_finish() -> None:
    """Keep what was collected out of the garbage collector's sight: looking at it all takes a quarter of a second each time."""
    gc.collect()
    gc.freeze()
