"""How a sandbox is started on this machine: what the interpreter inside needs to see, and what could not be had."""

import functools
import os
import sys
from pathlib import Path
from typing import NamedTuple

from filters.children import ChildSpec
from filters.sandbox import bubblewrap, inside, seccomp
from filters.sandbox.inside import limits

TESTS_A_SANDBOX = 500  # then it is replaced: what a test might have left in the kernel goes with it
REPLY_BYTES = 4 << 20  # a program's output, up to `run.MAX_OUTPUT_BYTES`, in base64
# Without the site's packages and the current folder.  The environment is read: hashes must be the same in all sandboxes.
_FLAGS = ("-s", "-S", "-B", "-P", "-X", "utf8")
_START = """
import sys
sys.path.insert(0, sys.argv.pop(1))
from filters.sandbox.inside import zygote
del sys.path[0]
zygote.main()
"""


class Launch(NamedTuple):
    """How sandboxes of this machine are started, None where it has neither bubblewrap nor seccomp: then nothing is run.

    `missing` names the wall that it cannot have, such as "+rlimits".
    """

    spec: ChildSpec | None
    missing: str


@functools.cache
def launch() -> Launch:
    """Return how sandboxes start here, found out once in a process."""
    boxed = bubblewrap.available()
    system_calls = seccomp.filter_program(writable=boxed)
    root = Path(inside.__file__).parents[3]
    interpreter = os.path.realpath(sys.executable)
    mode = "boxed" if boxed else "bare"
    command: tuple[str, ...] = (interpreter, *_FLAGS, "-c", _START, str(root), system_calls or "", mode)
    if boxed:
        package = Path(inside.__file__).parent
        own = [package, package.parent / "__init__.py", package.parents[1] / "__init__.py"]
        command = bubblewrap.wrapped(command, read_only=(*bubblewrap.interpreter_paths(interpreter), *map(str, own)))
    spec = ChildSpec(
        command=command,
        environment=(("PYTHONHASHSEED", "0"),),
        wall_seconds=limits.WALL_SECONDS + 30,  # the sandbox stops a test by itself; this is for one that is lost
        requests=TESTS_A_SANDBOX,
        reply_bytes=REPLY_BYTES,
    )
    missing = ("" if boxed else "+rlimits") + ("" if system_calls else "+no_seccomp")
    return Launch(spec if boxed or system_calls else None, missing)
