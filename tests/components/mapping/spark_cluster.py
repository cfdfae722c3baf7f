"""A Spark cluster of a master and two workers of one core on this machine, as `engine start` makes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from limbeck.cli.standing_cluster import StandingCluster, standing
from limbeck.engines.standalone.kind import Plan
from limbeck.engines.standalone.registry import STANDALONE
from limbeck.launchers.local import ports
from limbeck.settings.scoring import ScoringConfig


@contextlib.contextmanager
def running(folder: Path) -> Iterator[StandingCluster]:
    """Yields the cluster. Takes an empty folder for what its processes keep."""
    kind = STANDALONE["spark"]
    (folder / "logs").mkdir()
    with ports.held(2) as (port, page):
        plan = Plan(kind.find(None), folder, port, page)
        with standing(kind, plan, folder / "logs") as cluster:
            yield cluster


def settings(cluster: StandingCluster, start_seconds: float = 60.0) -> ScoringConfig:
    """Those of scoring on it."""
    return ScoringConfig("spark", cluster.kind.address(cluster.plan), start_seconds)
