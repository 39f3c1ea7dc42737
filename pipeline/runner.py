"""Running a Beam graph: which runner, how many processes, and errors in one line."""

import logging
import os
import re
import shlex
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Self

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from schemas.errors import RunError, UserError

LOCAL_RUNNER = "FnApiRunner"  # named, because DirectRunner tries to download another engine first and runs on what it finds
BEAM_THREADS = ("run_worker", "read_grpc_client_inputs", "beam_control_read")  # those that notice a lost worker process
LOST = "a worker process died, perhaps for want of memory; try fewer --workers, or more partitions"
LOST_WORKER = ("Worker subprocess exited", "Channel closed prematurely")  # what Beam says of a worker process that died

# Runners and worker processes give back text only: the error that our code raised is found by its class and its line.
_OURS = re.compile(r"^(?:RuntimeError: )?(?:schemas\.errors\.)?(UserError|RunError): (.*)$", re.MULTILINE)
_WHILE = re.compile(r" \[while running .*", re.DOTALL)


def pipeline_options(flags: Sequence[str]) -> PipelineOptions:
    """Return Beam's options; where the flags name no runner, the in-process one.  Raises UserError at an unknown flag."""
    known = _known_flags()
    for flag in flags:
        if flag.startswith("-") and flag.split("=", 1)[0] not in known:
            raise UserError(f"Beam flag {flag!r} is unknown to apache-beam {beam.__version__}; see its pipeline options")
    options = PipelineOptions(list(flags))
    standard = options.view_as(StandardOptions)
    standard.runner = standard.runner or LOCAL_RUNNER
    return options


def _known_flags() -> set[str]:
    flags = _Flags()
    for options in PipelineOptions.__subclasses__():
        add = getattr(options, "_add_argparse_args", None)
        if add is not None:
            add(flags)
    return flags.names


class _Flags:
    """Stands in for an argument parser and remembers the names of the flags."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def add_argument(self, *names: str, **_: object) -> None:
        self.names.update(names)

    def add_mutually_exclusive_group(self, **_: object) -> "_Flags":
        return self


def is_local(options: PipelineOptions) -> bool:
    """Return whether the graph runs on this machine's in-process runner."""
    return bool(options.view_as(StandardOptions).runner == LOCAL_RUNNER)


def run_graph(build: Callable[[beam.Pipeline], None], options: PipelineOptions, workers: int = 1) -> None:
    """Build a graph and run it to its end; `workers` are processes of the local runner.

    Raises UserError or RunError where our code did, on whatever worker, and KeyboardInterrupt on SIGINT and SIGTERM.
    """
    # Beam logs every error that it also raises; one line is enough.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL if is_local(options) else logging.ERROR)
    with _Workers() as processes:
        try:
            p = beam.Pipeline(runner=_runner(options, workers, processes.alive), options=options)
        except ValueError as error:
            raise UserError(f"Beam refuses its flags: {' '.join(str(error).split())[:300]}; mend what stands behind --") from error
        build(p)
        try:
            p.run().wait_until_finish()
        except KeyboardInterrupt:
            if processes.lost:
                raise RunError(LOST) from None
            raise
        except (UserError, RunError) as error:
            raise type(error)(_WHILE.sub("", str(error))) from error
        except RuntimeError as error:
            if str(error).startswith("KeyboardInterrupt"):
                raise KeyboardInterrupt from error
            raise _ours(str(error)) or error from error


class _Workers:
    """The worker processes of one run.  They live while the file `alive` does.

    Beam waits for a worker that has gone, or has not yet come, without end; so the file goes first, in the signal
    handler, and a worker that is lost interrupts the main thread.
    """

    def __init__(self) -> None:
        self.lost = False
        descriptor, self.alive = tempfile.mkstemp(prefix="starbeam-alive-")
        os.close(descriptor)

    def __enter__(self) -> Self:
        self._threads_before, threading.excepthook = threading.excepthook, self._thread_failed
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._stopped) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        threading.excepthook = self._threads_before
        for number, handler in getattr(self, "_before", {}).items():
            signal.signal(number, handler)

    def _end(self) -> bool:
        """End the workers; return whether they had not been ended before."""
        try:
            os.unlink(self.alive)
        except FileNotFoundError:
            return False
        return True

    def _stopped(self, *_: object) -> None:
        self._end()
        raise KeyboardInterrupt

    def _thread_failed(self, failure: threading.ExceptHookArgs) -> None:
        name = failure.thread.name if failure.thread is not None else ""
        if name not in BEAM_THREADS:
            self._threads_before(failure)
        elif name == BEAM_THREADS[0] and self._end():
            self.lost = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _runner(options: PipelineOptions, workers: int, alive: str) -> FnApiRunner | None:
    """Return the runner for several local processes, or None for what the options say."""
    direct = options.view_as(DirectOptions)
    if workers < 2 or not is_local(options) or direct.direct_num_workers != 1:
        return None
    direct.direct_num_workers = workers
    # -P: the folder where the command was called may hold another package named pipeline.
    # /dev/null: an error comes back as text, and a worker whose stderr could not be written would never say that it failed.
    command = f"exec {shlex.quote(sys.executable)} -P -m pipeline.worker {shlex.quote(alive)} 2>/dev/null"
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(command))


def _ours(message: str) -> Exception | None:
    """Return the error that our code raised on a worker, as far as the text tells; None for anything else."""
    found = _OURS.findall(message)
    if found:
        kind, line = found[-1]
        return (UserError if kind == "UserError" else RunError)(_WHILE.sub("", line))
    if any(symptom in message for symptom in LOST_WORKER):
        return RunError(LOST)
    return None
