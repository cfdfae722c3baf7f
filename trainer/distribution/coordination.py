"""Publishes short texts to the processes of a job, and waits for them, without a collective operation.

`MultiWorkerMirroredStrategy` starts a coordination service with a key-value store. A collective operation needs all
processes; the store needs only the chief. But if a process dies before it publishes a key, whoever waits for the key
waits for ever: the service notices the death after 10 s, but does not end the wait. The barrier of the service does
fail, but it holds Python's lock while it waits, so the process gives no sign of life
(`limbeck.trainer.process.heartbeat`). So the wait is cut into pieces. Between two of them, the service is asked whether
all processes are alive.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from limbeck.trainer.distribution.cluster import CHIEF, WORKER, ClusterTask

_PIECE_SECONDS = 2.0


def publish(key: str, value: str) -> None:
    """Publishes a text to all processes of the job, under a key that is used only once in the job."""
    _service().set_config_key_value(key, value)


def wait_for(key: str, me: ClusterTask, patience_seconds: float = float("inf")) -> str:
    """Waits until a process publishes a key, and returns its text.

    Args:
      key: the key.
      me: this process. The job must have several.
      patience_seconds: how long to wait, in seconds.

    Raises:
      TimeoutError: if no process has published the key in this time.
      tensorflow.errors.OpError: if a process of the job is lost.
    """
    import tensorflow as tf

    deadline = time.monotonic() + patience_seconds
    while (left := deadline - time.monotonic()) > 0:
        milliseconds = 1 + int(1000 * min(_PIECE_SECONDS, left))
        with contextlib.suppress(tf.errors.DeadlineExceededError):
            return str(_service().get_config_key_value(key, milliseconds))
        _assert_all_live(me)
    raise TimeoutError(f"no process of the job published '{key}' within {patience_seconds:.0f} s")


def _assert_all_live(me: ClusterTask) -> None:
    for error in _service().get_task_states([(CHIEF, 1), (WORKER, me.processes - 1)]):
        if error is not None:
            raise error


def _service() -> Any:
    from tensorflow.python.eager import context

    return context.context()
