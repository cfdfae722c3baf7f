"""The end of a distributed job, in an order in which nobody looks like a failure to anybody.

The chief runs the service through which the processes watch each other. If it leaves while a peer still works, or
a peer leaves while the chief still exports, the one left behind reports a lost peer and may end with an error,
after a training that went well. So every peer waits until the chief is done, says goodbye and ends at once; the
chief leaves last.
"""

from __future__ import annotations

import logging
import os
import sys

from trainer.distribution import coordination
from trainer.distribution.cluster import ClusterTask

_log = logging.getLogger(__name__)
_DONE = "limbeck/chief-done"
_GOODBYE_SECONDS = 30.0


def leave_together(me: ClusterTask, code: int = 0) -> None:
    """Blocks until this process may end. On the chief it returns; every other process ends here, with `code`.

    Raises:
      tensorflow.errors.OpError: where a process is lost before the chief is done.
    """
    if me.processes == 1:
        return
    if not me.is_chief:
        coordination.wait_for(_DONE, me)
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
            # The job is done, whatever became of a peer since; the launcher sees its exit code.
            _log.warning("left without the goodbye of rank %d: %s", rank, error)


def _goodbye(rank: int) -> str:
    return f"limbeck/goodbye-{rank}"
