"""Settings of all tests."""

import pytest
from hypothesis import settings

settings.register_profile("starbeam", deadline=None)  # a deadline would test the machine
settings.load_profile("starbeam")

LONG = ("test_readme", "test_build")  # whole runs in processes of their own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: not item.nodeid.rpartition("/")[2].startswith(LONG))
