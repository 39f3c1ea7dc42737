"""Running a Beam graph: which runner, how many processes, and errors in one line."""

import logging
import re
from collections.abc import Callable, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

from schemas.errors import RunError, UserError

LOCAL_RUNNER = "FnApiRunner"  # named, because DirectRunner tries to download another engine first and runs on what it finds

# Runners and worker processes give back text only: the error that our code raised is found by its class and its line.
_OURS = re.compile(r"(?:schemas\.errors\.)?(UserError|RunError): (.*?)(?: \[while running .*)?$", re.MULTILINE)
_WHILE = re.compile(r" \[while running .*\]$", re.DOTALL)


def pipeline_options(flags: Sequence[str], workers: int) -> PipelineOptions:
    """Return Beam's options: the flags, and where they name no runner the in-process one with `workers` processes."""
    unknown = _unknown_flags(flags)
    if unknown:
        raise UserError(f"Beam flag {unknown[0]!r} is unknown to apache-beam {beam.__version__}; see its pipeline options")
    options = PipelineOptions(list(flags))
    if options.view_as(StandardOptions).runner is None:
        options.view_as(StandardOptions).runner = LOCAL_RUNNER
        direct = options.view_as(DirectOptions)
        if workers > 1 and direct.direct_running_mode == "in_memory":
            direct.direct_num_workers = workers
            direct.direct_running_mode = "multi_processing"
    return options


def _unknown_flags(flags: Sequence[str]) -> list[str]:
    known: set[str] = set()
    for options in PipelineOptions.__subclasses__():
        parser = _Flags()
        adder = getattr(options, "_add_argparse_args", None)
        if adder is not None:
            adder(parser)
        known |= parser.names
    return [flag for flag in flags if flag.startswith("-") and flag.split("=", 1)[0] not in known]


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


def run_graph(build: Callable[[beam.Pipeline], None], options: PipelineOptions) -> None:
    """Build a graph and run it to its end.  Raises UserError or RunError where our code did, on whatever worker."""
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    p = beam.Pipeline(options=options)
    build(p)
    try:
        p.run().wait_until_finish()
    except (UserError, RunError) as error:
        raise type(error)(_WHILE.sub("", str(error))) from error
    except RuntimeError as error:
        ours = _OURS.findall(str(error))
        if ours:
            kind, message = ours[-1]
            raise (UserError if kind == "UserError" else RunError)(message) from error
        if "Worker subprocess exited" in str(error):
            raise RunError(f"a worker process died ({str(error).splitlines()[0][:200]}); perhaps it ran out of memory") from error
        raise
