"""The end of a distributed job, in an order in which nobody looks like a failure to anybody.

The chief runs the service through which the processes watch each other. If it leaves while a peer still works, or
a peer leaves while the chief still exports, the one left behind reports a lost peer and may end with an error,
after a training that went well. So every peer waits until the chief is done, says goodbye and ends at once; the
chief leaves last.
"""

from __future__ import annotations

import os
import sys

from trainer.cluster import ClusterTask

_DONE = "limbeck/chief-done"


def leave_together(me: ClusterTask, code: int = 0) -> None:
    """Blocks until this process may end. On the chief it returns; every other process ends here, with `code`."""
    if me.processes == 1:
        return
    # The key-value store of the coordination service is the only one that blocks without a collective operation,
    # which a peer that already left would break.
    from tensorflow.python.eager import context

    store = context.context()
    if not me.is_chief:
        store.get_config_key_value(_DONE)
        store.set_config_key_value(_goodbye(me.rank), "1")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    store.set_config_key_value(_DONE, "1")
    for rank in range(1, me.processes):
        store.get_config_key_value(_goodbye(rank))


def _goodbye(rank: int) -> str:
    return f"limbeck/goodbye-{rank}"
