"""Training one model: any command with a small contract.

    COMMAND --data FOLDER --base MODEL --output FOLDER --steps N --seed N

The data folder holds Parquet shards of the release config that `[loop]` names.  The command ends with status 0 and leaves a model
in the output folder, or, where the model lives on a server, a file `model.txt` with the name by which the server knows it.
"""

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from pipeline.outer_loop.recipes import Model
from schemas.errors import RunError, UserError
from schemas.identity import content_id

NAME_FILE = "model.txt"
NOTE = "TRAINED.json"  # in the folder of a model that is whole: what it was made from
MAX_NAME_BYTES = 1024
LAST_WORDS = 300  # characters of a failed trainer's last line that are repeated
LOG_BYTES = 16 << 10  # of the end of its log, in which that line is looked for
PR_SET_PDEATHSIG = 1  # prctl(2)


class Training(NamedTuple):
    """What one training is given."""

    command: tuple[str, ...]
    data: str  # folder
    base: str
    steps: int
    seed: int
    timeout: float | None = None  # seconds

    def key(self, data_hash: str, base_hash: str) -> str:
        """Return a hash of all that decides the model, given what data and base hold."""
        return content_id("training", *self.command, data_hash, base_hash, str(self.steps), str(self.seed))


def trained(training: Training, folder: Path, key: str) -> Model:
    """Return the model in a folder, trained where it is not there yet.

    Raises UserError where it was made from something else, RunError where the trainer fails; what it was given stays.
    """
    note = folder / NOTE
    if note.exists():
        try:
            before = json.loads(note.read_text()).get("key")
        except (ValueError, AttributeError):
            before = None
        if before != key:
            raise UserError(
                f"{folder}: was trained from other rows, steps or settings than this recipe's; "
                "give another --out, or remove that folder and the rounds after it"
            )
        return model_in(folder)
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    for left in folder.parent.glob(f"{folder.name}.part-*"):
        _remove(left)
    part.mkdir(parents=True)
    log = folder.with_name("trainer.log")
    _run(training, part, log)
    model_in(part, log)  # before it counts
    _remove(part / NOTE)  # whatever the trainer has put there
    (part / NOTE).write_text(json.dumps({"key": key, "steps": training.steps, "base": training.base}, indent=1) + "\n")
    _remove(folder)  # of a training without a note: not whole
    part.rename(folder)
    return model_in(folder)


def _remove(path: Path) -> None:
    """Remove what lies at a path: a trainer can leave anything there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def model_in(folder: Path, log: Path | None = None) -> Model:
    """Return the model that a trainer left.  Raises RunError where there is none."""
    name = folder / NAME_FILE
    if name.is_file():
        said = name.read_bytes()[: MAX_NAME_BYTES + 1].decode("utf-8", "replace").strip()
        if not said.isprintable() or not 0 < len(said) <= MAX_NAME_BYTES:
            raise RunError(
                f"{name}: must hold the name of a model on one line, of at most {MAX_NAME_BYTES} printable bytes{_see(log)}"
            )
        return Model(name=said)
    if not any(path.is_file() and path.name != NOTE for path in folder.rglob("*")):
        raise RunError(f"the trainer ended well and wrote no model into its --output{_see(log)}")
    return Model(weights=str(folder))


def _run(training: Training, output: Path, log: Path) -> None:
    arguments = {
        "data": training.data,
        "base": training.base,
        "output": str(output),
        "steps": training.steps,
        "seed": training.seed,
    }
    flags = [part for name, value in arguments.items() for part in (f"--{name}", str(value))]
    with open(log, "wb") as file, _child([*training.command, *flags], file) as child:
        try:
            status = child.wait(training.timeout)
        except subprocess.TimeoutExpired:
            raise RunError(f"the trainer took longer than [loop] timeout = {training.timeout:g} s{_see(log)}") from None
    if status:
        named = {one.value: one.name for one in signal.Signals}  # those of real time have no names
        how = f"was ended by {named.get(-status, f'signal {-status}')}" if status < 0 else f"ended with status {status}"
        raise RunError(f"the trainer {how}: {_last_line(log)}{_see(log)}")


@contextlib.contextmanager
def _child(command: list[str], log: IO[bytes]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command in a group of its own, which ends with this block.

    Where this process is killed, the command dies with it on Linux, and what the command has started does not.
    """
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except (OSError, ValueError) as error:  # ValueError: a null byte among the arguments
        why = getattr(error, "strerror", None) or error
        raise UserError(f"[loop] trainer = {command[0]!r} cannot be run: {why}; give a program with its arguments") from error
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _last_line(log: Path) -> str:
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_BYTES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    return said[-1][:LAST_WORDS] if said else "it said nothing"


def _see(log: Path | None) -> str:
    return "" if log is None else f"; its log is {log}"
