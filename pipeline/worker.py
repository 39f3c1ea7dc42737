"""What a worker process of the local runner executes: Beam's harness, which ends when the command that started it does.

Usage: python -m pipeline.worker ALIVE, where ALIVE is a file that the command holds while it wants its workers.
Ctrl-C reaches every process of a terminal; workers are deaf to it, the command ends them.
"""

import logging
import os
import signal
import sys
import threading
import time

WATCH_SECONDS = 0.25


def _watch(alive: str, parent: int) -> None:
    """End this process when the file goes, or the parent does, which may be killed without a word."""
    while os.path.exists(alive) and os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def main(alive: str) -> None:
    """Serve the runner until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(alive, os.getppid()), daemon=True).start()
    logging.disable(logging.WARNING)
    from apache_beam.runners.worker import sdk_worker_main  # takes seconds: the watch must have begun

    sdk_worker_main.main([])


if __name__ == "__main__":
    main(sys.argv[1])
