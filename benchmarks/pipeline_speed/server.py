"""The process of a stage behind the first, on one core: `python -m benchmarks.pipeline_speed.server CORE`.

TF_CONFIG gives its place. It serves until its standard input is closed.
"""

from __future__ import annotations

import os
import sys


def main(core: int) -> None:
    """Serves."""
    os.sched_setaffinity(0, {core})
    from limbeck.trainer.distribution.stage_processes import start_server

    server = start_server()
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(int(sys.argv[1]))
