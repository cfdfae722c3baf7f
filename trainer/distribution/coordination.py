"""Short texts that the processes of a job tell each other, without a collective operation.

`MultiWorkerMirroredStrategy` brings a coordination service with a store of texts under keys. Unlike a collective
operation it needs no peer but the chief. But whoever waits for a key waits for ever where the process that should
tell it is dead: the service notices (after 10 s), and does not wake him. Its barrier does fail then, but it holds
Python's lock while it waits, so that the process gives no sign of life (`trainer.process.heartbeat`). So a key is
waited for in pieces, and between two of them the service is asked whether all processes still live.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from trainer.distribution.cluster import CHIEF, WORKER, ClusterTask

_PIECE_SECONDS = 2.0


def publish(key: str, value: str) -> None:
    """Tells all processes of the job `value`, under a key that is used once in a job."""
    _service().set_config_key_value(key, value)


def wait_for(key: str, me: ClusterTask, patience_seconds: float = float("inf")) -> str:
    """What was told under a key, as soon as it is.

    Args:
      key: which a process tells or has told.
      me: this process, of several.
      patience_seconds: how long to wait.

    Raises:
      TimeoutError: where it was not told for so long.
      tensorflow.errors.OpError: where a process of the job is lost.
    """
    import tensorflow as tf

    deadline = time.monotonic() + patience_seconds
    while (left := deadline - time.monotonic()) > 0:
        milliseconds = 1 + int(1000 * min(_PIECE_SECONDS, left))
        with contextlib.suppress(tf.errors.DeadlineExceededError):
            return str(_service().get_config_key_value(key, milliseconds))
        _assert_all_live(me)
    raise TimeoutError(f"no process of the job told '{key}' for {patience_seconds:.0f} s")


def _assert_all_live(me: ClusterTask) -> None:
    for error in _service().get_task_states([(CHIEF, 1), (WORKER, me.processes - 1)]):
        if error is not None:
            raise error


def _service() -> Any:
    from tensorflow.python.eager import context

    return context.context()
