"""What a worker process of the local runner executes: Beam's harness, deaf to Ctrl-C and silent about its own start.

Ctrl-C reaches every process of a terminal; the one that was started by hand ends the others.
"""

import logging
import signal

from apache_beam.runners.worker import sdk_worker_main


def main() -> None:
    """Serve the runner until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.WARNING)
    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
