"""The program of a process that serves a chief: it runs the operations of the chief, and no training loop.

TensorFlow's server never ends by itself. The launcher ends these processes when the chief is done.
"""

from __future__ import annotations

import threading

from limbeck.strategies.registry import strategy_kind
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.stage_processes import start_server
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.process import preemption

_LOOK_SECONDS = 1.0


def serve_if_asked(job: TrainingJob) -> bool:
    """Serves until this process is asked to end, if it is a worker or server of such a job. Returns whether it was."""
    if not strategy_kind(job.strategy.name).asynchronous or cluster.from_environment().is_chief:
        return False
    server = start_server()
    # `server.join` would never notice a request to end.
    while server and not preemption.requested():
        threading.Event().wait(_LOOK_SECONDS)
    return True
