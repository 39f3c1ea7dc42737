"""Provers as helper processes: inside bubblewrap where it works, else under the limits that the process sets itself."""

import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from filters.children import ChildFailed, ChildSpec, pool_of
from filters.provers.protocol import WALL_FACTOR, Reply, Request
from filters.sandbox import bubblewrap

REQUESTS = 2000  # after which a helper is replaced
START_SECONDS = 60.0
GRACE_SECONDS = 70.0  # a header is imported first, with a limit of its own; past this the helper itself hangs
_ROOT = str(Path(__file__).parents[2])  # where the package `filters` is
_RUN = "import runpy, sys; sys.path[:0] = sys.argv[2:]; runpy.run_module(sys.argv[1], run_name='__main__')"


class Installed(NamedTuple):
    """What a prover needs of the machine."""

    environment: tuple[tuple[str, str], ...] = ()
    read_only: tuple[str, ...] = ()  # absolute paths that it reads
    packages: tuple[str, ...] = ()  # folders of Python packages that its server imports


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessProver:
    """A prover behind the protocol: `server` is the module that speaks it, `find` says where the prover is, None if nowhere.

    Fit for any number of threads: each that asks has a process of its own, up to one a core.
    """

    name: str
    server: str
    find: Callable[[], Installed | None]
    grace_seconds: float = GRACE_SECONDS

    def installed(self) -> bool:
        """Say whether the prover is on this machine."""
        return self.find() is not None

    def prove(self, request: Request) -> Reply:
        """Return what the prover says; trouble on the way is a reason of its own, never "not_proved"."""
        found = self.find()
        if found is None:
            return Reply(reason="prover_missing")
        spec = self._spec(found)
        reply = self._asked(spec, request)
        if reply is None:  # the process died: of this proof, or with the thread that had started it
            reply = self._asked(spec, request)
        return reply or Reply(reason="resources")

    def _asked(self, spec: ChildSpec, request: Request) -> Reply | None:
        """Return the reply, None where the process died of the request."""
        asked = False
        wall = WALL_FACTOR * request.seconds + self.grace_seconds
        try:
            with pool_of(spec).lend() as child:
                asked = True
                return Reply.from_json(child.ask(request.to_json(), wall))
        except ChildFailed as failure:
            if asked and failure.reason == "died":
                return None
            return Reply(reason="timeout" if asked and failure.reason == "timeout" else "prover_failed")
        except ValueError:  # no reply of the protocol
            return Reply(reason="prover_failed")

    def _spec(self, found: Installed) -> ChildSpec:
        python = os.path.realpath(sys.executable)
        paths = [_ROOT, *(str(Path(package).parent) for package in found.packages)]
        command: tuple[str, ...] = (python, "-I", "-S", "-c", _RUN, self.server, *paths)
        if bubblewrap.available():
            package = str(Path(_ROOT) / "filters")
            command = bubblewrap.wrapped(
                command, read_only=(*bubblewrap.interpreter_paths(python), package, *found.packages, *found.read_only)
            )
        return ChildSpec(
            command=command,
            environment=found.environment,
            wall_seconds=self.grace_seconds,
            start_seconds=START_SECONDS,
            requests=REQUESTS,
            reply_bytes=4 << 20,  # all that a reply may hold, in characters of four bytes
        )
