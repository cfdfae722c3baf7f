"""A launching process: `parent.py <behaviour> <record folder>` launches two workers of that behaviour."""

import signal
import sys
from pathlib import Path

import psutil

from tests.launchers import jobs

if __name__ == "__main__":
    # Whoever starts the tests in the background may have had them ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        jobs.supervised(sys.argv[1], Path(sys.argv[2]), processes=2)
    except KeyboardInterrupt:
        left = psutil.Process().children(recursive=True)
        sys.stdout.write(f"interrupted with {len(left)} children\n")
