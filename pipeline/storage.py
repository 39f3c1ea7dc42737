"""Files at local paths and fsspec URLs, each written whole or not at all."""

import contextlib
import functools
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import fsspec
import pyarrow as pa

from generators.records import is_file
from schemas.errors import RunError, UserError

P = ParamSpec("P")
T = TypeVar("T")


def _failing_as_run_error(action: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return function(*args, **kwargs)
            except OSError as error:
                url = args[0] if args else ""
                raise RunError(f"cannot {action} {url}: {error.strerror or error}") from error

        return wrapper

    return decorate


def join(base: str, *parts: str) -> str:
    """Return the path or URL of something below `base`."""
    return (base if base.endswith("/") else f"{base}/") + "/".join(parts)


def rooted(path: str, root: str) -> str:
    """Return where a path of a recipe leads: one that is relative starts from the recipe's root."""
    return path if not root or path.startswith("/") or "://" in path else join(root, path)


def filesystem(url: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL and the path in it.  Raises UserError where no driver is installed."""
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UserError(f"{url}: cannot be opened: {error}") from error
    return filesystem, path


def is_local(url: str) -> bool:
    """Return whether a URL is a path of this machine."""
    return "file" in _protocols(url)


def is_private_to_process(url: str) -> bool:
    """Return whether other processes of this machine cannot see what a URL names."""
    return "memory" in _protocols(url)


def same_place(one: str, other: str) -> bool:
    """Return whether two URLs lead to one folder, whatever links are between."""
    if is_local(one) and is_local(other):
        try:
            return os.path.samefile(filesystem(one)[1], filesystem(other)[1])
        except OSError:
            return False  # one is not there
    return _protocols(one) == _protocols(other) and filesystem(one)[1].strip("/") == filesystem(other)[1].strip("/")


def _protocols(url: str) -> tuple[str, ...]:
    protocol = filesystem(url)[0].protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@_failing_as_run_error("write")
def write_bytes(url: str, data: bytes) -> None:
    """Write a file so that it is there whole or not at all.  Raises RunError."""
    store, path = filesystem(url)
    if not is_local(url):
        store.pipe_file(path, data)  # object stores publish an object when its upload ends
        return
    make_parent(url)
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


@_failing_as_run_error("write")
def make_parent(url: str) -> None:
    """Make the folder that a file of this machine is to lie in; stores have none."""
    if is_local(url):
        os.makedirs(os.path.dirname(filesystem(url)[1]), exist_ok=True)


@_failing_as_run_error("read")
def read_bytes(url: str) -> bytes:
    """Return a file's bytes.  Raises RunError."""
    store, path = filesystem(url)
    data: bytes = store.cat_file(path)
    return data


def made_again(said: str) -> Exception:
    """Return the error of a file of the run that cannot be read."""
    return RunError(f"{said}; remove it, so that it is made again")


@contextlib.contextmanager
def open_read(url: str, failure: Callable[[str], Exception] = made_again) -> Iterator[Any]:
    """Open a file for reading at random places.  Raises `failure` where it cannot be read, also by what reads it."""
    store, path = filesystem(url)
    try:
        with store.open(path, "rb") as file:
            yield file
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:  # the last from names of columns
        detail = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise failure(f"cannot read {url}: {detail}") from error


@_failing_as_run_error("look at")
def exists(url: str) -> bool:
    """Return whether there is a file of that name."""
    return is_file(*filesystem(url))


@_failing_as_run_error("look at")
def stamp(url: str) -> str:
    """Return a text that changes when the file does: its size and times, or what an object store says of it."""
    store, path = filesystem(url)
    if is_local(url):
        found = os.stat(path)
        return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
    return str(store.ukey(path))


@_failing_as_run_error("list")
def list_names(url: str) -> list[str]:
    """Return the sorted names of what a folder holds; empty where there is no such folder."""
    store, path = filesystem(url)
    try:
        return sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in store.ls(path, detail=False))
    except (FileNotFoundError, NotADirectoryError):
        return []


@_failing_as_run_error("remove")
def remove(url: str) -> None:
    """Remove a file that may not be there."""
    store, path = filesystem(url)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        store.rm_file(path)
