"""The cluster of one process: the one that asks. A file after the other is read, computed and written row by row.

Beam in one process would do the same, but where it brings rows together, or joins what several steps have made, its
runner keeps all of them in memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from limbeck import moved
from limbeck.components.mapping.cluster import Item, Result
from limbeck.moved import LEDGER, Moved
from limbeck.trainer.process import traffic

_logger = logging.getLogger(__name__)


class ThisProcess:
    """Implements `limbeck.components.mapping.cluster.Cluster`."""

    room = 1

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items. What it raises passes."""
        results, before = [], traffic.by_calls()
        for number, item in enumerate(items, start=1):
            results.append(function(item))
            _logger.info("%d of %d done: %s", number, len(items), item)
        now = traffic.by_calls()
        if before is not None and now is not None:
            LEDGER.add([Moved(moved.this_process(), now[0] - before[0], now[1] - before[1])])
        return results
