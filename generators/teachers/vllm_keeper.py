"""A program of the standard library alone: runs a command while anyone holds its users' lock, and ends with it.

    python -I vllm_keeper.py USERS_LOCK STATE_FILE COMMAND…

Those who use the command's server hold USERS_LOCK shared.  The system lets go of a lock when its process ends, however it ends,
so when the keeper gets it for itself alone, no user is left: it stops the command, with all that it started.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time

POLL_SECONDS = 0.25
TERM_SECONDS = 30.0  # vLLM took 2 s to end on two cores; what holds tens of GiB may take longer
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _stop(server: "subprocess.Popen[bytes]") -> None:
    """End the command, then whatever of its process group is left."""
    if server.poll() is None:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(TERM_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def keep(users_lock: str, state: str, command: "list[str]") -> int:
    """Return the command's status, 0 where the keeper stopped it."""
    told = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: told.append(True))
    users = os.open(users_lock, os.O_RDWR)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent)
    try:
        while server.poll() is None and not told:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(POLL_SECONDS)
        status = server.poll()
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(state)  # nobody may find the server any more
        _stop(server)
    return 0 if status is None else (status or 1)


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1], sys.argv[2], sys.argv[3:]))
