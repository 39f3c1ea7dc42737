"""The run directory: where everything of one run lies, at a local path or an fsspec URL."""

import contextlib
import dataclasses
import fcntl
import os
import tempfile
from collections.abc import Iterator
from typing import IO

from pipeline import storage
from schemas.errors import RunError, UserError

LOCK = "lock"


@dataclasses.dataclass(frozen=True, slots=True)
class RunDir:
    """Names of the files of a run.  Partition i of P is one file in each folder."""

    url: str
    partitions: int

    def problems(self, partition: int) -> str:
        """Problems of a partition, sorted by id."""
        return self._part("problems", partition)

    def recorded(self, partition: int) -> str:
        """Recorded completions of a partition's problems, and of problems that nobody asks."""
        return self._part("recorded", partition)

    def rejects(self, partition: int) -> str:
        """Records that never became a sample."""
        return self._part("rejects", partition)

    def samples(self, partition: int) -> str:
        """Samples of a partition, sorted by problem and index."""
        return self._part("samples", partition)

    def unasked(self, partition: int) -> str:
        """What asked for samples and got none, as rejects: recorded completions that answer no problem, and calls that failed."""
        return self._part("unasked", partition)

    def annotated(self, partition: int) -> str:
        """Samples with what the filters say of them."""
        return self._part("annotated", partition)

    def compared(self, partition: int) -> str:
        """What annotated samples are compared with others by, in the order in which copies are kept."""
        return self._part("compared", partition)

    @property
    def journals(self) -> str:
        """The folder of the journal: every paid response, by partition."""
        return storage.join(self.url, "journal")

    def journal(self, partition: int) -> str:
        """The folder of a partition's logs."""
        return storage.join(self.journals, f"part-{partition:05d}")

    @property
    def logs(self) -> str:
        """A folder of this machine for the logs of processes that are started."""
        return storage.filesystem(storage.join(self.url, "logs"))[1] if storage.is_local(self.url) else tempfile.gettempdir()

    @property
    def recipe(self) -> str:
        """The recipe as resolved."""
        return storage.join(self.url, "recipe.toml")

    @property
    def ingest(self) -> str:
        """Counts of the ingest; its presence means that all problem files are there."""
        return storage.join(self.url, "problems", "INGEST.json")

    @property
    def benchmarks(self) -> str:
        """The items of the recipe's benchmarks, for the workers."""
        return storage.join(self.url, "benchmarks.parquet")

    @property
    def release(self) -> str:
        """The folder of the release."""
        return storage.join(self.url, "release")

    @property
    def manifest(self) -> str:
        """Written last."""
        return storage.join(self.release, "MANIFEST.json")

    def shard_name(self, config: str, partition: int) -> str:
        """Path of a shard below the release's folder."""
        return f"{config}/train-{partition:05d}-of-{self.partitions:05d}.parquet"

    def _part(self, folder: str, partition: int) -> str:
        return storage.join(self.url, folder, f"part-{partition:05d}.parquet")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a local run for one command at a time.  The system lets go of the lock when the process ends, however it ends."""
        if not storage.is_local(self.url):
            yield
            return
        path = storage.filesystem(storage.join(self.url, LOCK))[1]
        with _writable(path) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    f"--out {self.url}: another command is at work there; wait for it, or give another folder"
                ) from None
            yield

    def unpublish(self) -> None:
        """Remove the manifest, then the shards, of an earlier curation: a release is whole or it has no manifest."""
        storage.remove(self.manifest)
        for config in storage.list_names(self.release):
            for name in storage.list_names(storage.join(self.release, config)):
                if name.startswith("train-") and name.endswith(".parquet"):
                    storage.remove(storage.join(self.release, config, name))


def _writable(path: str) -> IO[bytes]:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, "ab")
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def claim(url: str, partitions: int) -> RunDir:
    """Return the run directory, new or this run's own.  Raises UserError where something else lies there."""
    if not url:
        raise UserError("--out is empty; give a folder or an fsspec URL")
    run = RunDir(url, partitions)
    names = [name for name in storage.list_names(run.url) if name != LOCK]
    if names and "recipe.toml" not in names:
        raise UserError(f"--out {url}: holds {names[0]!r} but no recipe.toml, so it is no run; give a new or empty folder")
    return run
