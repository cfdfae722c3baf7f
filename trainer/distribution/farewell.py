"""Ends the processes of a job in an order in which no process takes another for lost.

The chief runs the service through which the processes watch each other. If the chief leaves while a worker still works,
or if a worker leaves while the chief still exports, the other one reports a lost peer. It may end with an error, after
a training that went well. So every worker waits until the chief is done, says goodbye and ends at once. The chief
leaves last.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys

from limbeck.trainer.distribution import coordination
from limbeck.trainer.distribution.cluster import ClusterTask

_log = logging.getLogger(__name__)
_DONE = "limbeck/chief-done"
_GOODBYE_SECONDS = 30.0


def leave_together(me: ClusterTask, code: int = 0) -> None:
    """Blocks until this process may end. Returns on the chief, and ends any other process with the exit code `code`.

    Raises:
      tensorflow.errors.OpError: if a process is lost before the chief is done.
    """
    if me.processes == 1:
        return
    import tensorflow as tf

    if not me.is_chief:
        coordination.wait_for(_DONE, me)
        # The chief leaves as soon as it has the goodbye, so its answer may be lost.
        with contextlib.suppress(tf.errors.OpError):
            coordination.publish(_goodbye(me.rank), "1")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    coordination.publish(_DONE, "1")
    _await_goodbyes(me)


def _await_goodbyes(me: ClusterTask) -> None:
    import tensorflow as tf

    for rank in range(1, me.processes):
        try:
            coordination.wait_for(_goodbye(rank), me, _GOODBYE_SECONDS)
        except (TimeoutError, tf.errors.OpError) as error:
            # The job is done, so a worker that is lost now does no harm. The launcher sees its exit code.
            _log.warning("left without the goodbye of rank %d: %s", rank, error)


def _goodbye(rank: int) -> str:
    return f"limbeck/goodbye-{rank}"
