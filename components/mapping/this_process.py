"""A cluster that is only this process. It reads, computes and writes one file after the other, row by row.

Beam in one process would do the same, but its runner keeps all rows in memory if it groups rows, or joins the results
of several steps.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from limbeck.components.mapping.cluster import Cluster, Item, Needs, Result, connected
from limbeck.components.mapping.worker import moved_since
from limbeck.moved import LEDGER
from limbeck.settings.scoring import ScoringConfig
from limbeck.trainer.process import traffic

_logger = logging.getLogger(__name__)


class ThisProcess:
    """Implements `limbeck.components.mapping.cluster.Cluster`."""

    room = 1

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Returns `function(item)` of each item, in the order of the items. Exceptions of the function pass."""
        results, before = [], traffic.by_calls()
        for number, item in enumerate(items, start=1):
            results.append(function(item))
            _logger.info("%d of %d done: %s", number, len(items), item)
        if (moved := moved_since(before)) is not None:
            LEDGER.add([moved])
        return results


def cluster_or_this(settings: ScoringConfig, needs: Needs) -> contextlib.AbstractContextManager[Cluster]:
    """Returns a context manager of the cluster that the settings name, or of this process if they name none.

    Errors are those of `limbeck.components.mapping.cluster.connected`.
    """
    return connected(settings, needs) if settings.on_cluster else contextlib.nullcontext(ThisProcess())
