"""A Spark cluster of a master and two workers of one core on this machine, as `engine start` makes it."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from limbeck.cli import guardian
from limbeck.cli.standing_cluster import Member, StandingCluster, standing
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


def kill(worker: Member) -> None:
    """Kills a worker and all that runs on it at once, as a machine dies that loses its power."""
    guardian.end_session(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
