"""Forks Beam's workers, so that they need no imports: `python -m limbeck.beam_processes.fork_server SOCKET LAUNCHER`.

It is the fork server of trainings (`limbeck.trainer.fork_server`, which says what a fork may be) with other packages.
It imports nothing of a task, so a worker sees the task's code as it is when the worker starts.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence

from limbeck.trainer import fork_server
from limbeck.trainer.process import lifeline, process_name

NAME = "beam-worker"
# The packages that all workers of a run import. Together they take five seconds of a core.
PACKAGES = (
    *("apache_beam.runners.worker.sdk_worker_main", "tensorflow", "tf_keras", "tensorflow_transform"),
    *("tensorflow_data_validation", "tfx.components.transform.executor", "tfx_bsl.coders"),
)


def main(arguments: Sequence[str]) -> int:
    """Works for a runner of Beam until it has no more work, in a fork. Returns the exit code of the process.

    Args:
      arguments: the variables that Beam's worker reads, as one JSON object.
    """
    lifeline.die_with_parent()
    process_name.set_name(NAME)
    os.environ.update(json.loads(arguments[0]))
    # There is no endpoint for logs, so this process writes to the log of the pipeline.
    logging.basicConfig()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)
    return 0


def _import() -> None:
    for name in PACKAGES:
        importlib.import_module(name)


if __name__ == "__main__":
    fork_server.leave(fork_server.main(int(sys.argv[1]), int(sys.argv[2]), _import))
