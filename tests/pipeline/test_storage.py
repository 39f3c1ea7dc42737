import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from pipeline import storage
from schemas.errors import RunError, UserError


@pytest.fixture
def memory() -> Iterator[str]:
    """Return the URL of a folder in memory."""
    name = uuid.uuid4().hex
    yield f"memory://{name}"
    store = fsspec.filesystem("memory")
    if store.exists(f"/{name}"):
        store.rm(f"/{name}", recursive=True)


@pytest.fixture(params=["disk", "memory"])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a folder, on disk and in memory."""
    return str(tmp_path) if request.param == "disk" else str(request.getfixturevalue("memory"))


def test_what_was_written_is_read_listed_and_removed(base: str) -> None:
    url = storage.join(base, "new", "folder", "a.bin")
    assert not storage.exists(url) and storage.list_names(storage.join(base, "new")) == []
    storage.write_bytes(url, b"one")
    storage.write_bytes(url, b"two\x00")
    storage.write_bytes(storage.join(base, "new", "folder", "B"), b"")
    assert storage.exists(url) and storage.read_bytes(url) == b"two\x00"
    assert storage.list_names(storage.join(base, "new", "folder")) == ["B", "a.bin"]
    assert storage.list_names(storage.join(base, "new")) == ["folder"]
    with storage.open_read(url) as file:
        file.seek(2)
        assert file.read() == b"o\x00"
    assert not storage.exists(storage.join(base, "new", "folder"))
    storage.remove(url)
    storage.remove(url)
    assert storage.list_names(storage.join(base, "new", "folder")) == ["B"]


def _fail(error: BaseException) -> Callable[..., None]:
    def failing(*args: Any) -> None:
        raise error

    return failing


@pytest.mark.parametrize(
    ("error", "seen"),
    [(OSError(28, "No space left on device"), RunError), (KeyboardInterrupt(), KeyboardInterrupt), (MemoryError(), MemoryError)],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException]
) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with monkeypatch.context() as patched, pytest.raises(seen):
        patched.setattr("os.replace", _fail(error))
        storage.write_bytes(str(tmp_path / "old"), b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"old")]


def test_a_file_in_the_place_of_a_folder_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for url in (tmp_path / "folder", tmp_path / "file" / "below"):
        with pytest.raises(RunError) as error:
            storage.write_bytes(str(url), b"new")
        assert str(error.value).startswith(f"cannot write {url}: ") and "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_what_is_not_there_is_one_line_that_names_it(base: str) -> None:
    url = storage.join(base, "nothing")
    with pytest.raises(RunError) as error:
        storage.read_bytes(url)
    assert str(error.value).startswith(f"cannot read {url}: ") and "\n" not in str(error.value)


def test_opening_what_is_not_there_is_the_same_error_as_reading_it(base: str) -> None:
    with pytest.raises(RunError), storage.open_read(storage.join(base, "nothing")):
        pass


def test_an_unknown_kind_of_url_is_the_users_to_mend() -> None:
    with pytest.raises(UserError, match="nonsense://x: cannot be opened") as error:
        storage.exists("nonsense://x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("base", "joined"),
    [
        ("run", "run/a/b"),
        ("run/", "run/a/b"),
        ("/", "/a/b"),
        ("/tmp/", "/tmp/a/b"),
        ("s3://bucket/run/", "s3://bucket/run/a/b"),
        ("memory://", "memory://a/b"),
        ("file:///", "file:///a/b"),
    ],
)
def test_names_are_joined_below_any_folder(base: str, joined: str) -> None:
    assert storage.join(base, "a", "b") == joined


def test_places_say_who_can_see_them(tmp_path: Path) -> None:
    urls = ["memory://x", str(tmp_path), f"file://{tmp_path}", "relative"]
    assert [storage.is_local(url) for url in urls] == [False, True, True, True]
    assert [storage.is_private_to_process(url) for url in urls] == [True, False, False, False]
