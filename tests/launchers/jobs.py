"""Jobs for the processes of `worker.py`."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.launchers.supervisor import Supervised, supervise
from limbeck.rank_record import RankRecord
from limbeck.reference import TaskRef
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob

WORKER = Path(__file__).parent / "worker.py"
QUICK = RecoveryConfig(restarts=2, backoff_seconds=0.01)


def job(folder: Path | str, processes: int) -> TrainingJob:
    return TrainingJob(
        entry="teacher",
        task=TaskRef(module="limbeck.tasks.digits"),
        examples_uri=str(folder),
        transform_graph_uri=str(folder),
        model_uri=str(folder),
        record_uri=str(folder),
        targets="labels",
        strategy=StrategyConfig(workers=processes),
        training=TrainingConfig(),
    )


def launch(
    behaviour: str, folder: Path, processes: int = 1, heartbeat_seconds: float = 60.0
) -> tuple[RankRecord, ...]:
    """One attempt."""
    launcher = LocalLauncher([sys.executable, str(WORKER), behaviour])
    recovery = RecoveryConfig(heartbeat_seconds=heartbeat_seconds)
    return launcher.launch(job(folder, processes), Cluster(workers=processes - 1), recovery)


def supervised(
    behaviour: str,
    folder: Path,
    processes: int = 2,
    recovery: RecoveryConfig = QUICK,
    wait: Callable[[float], None] = time.sleep,
) -> Supervised[tuple[RankRecord, ...]]:
    """As many attempts as the budget allows."""
    return supervise(lambda: launch(behaviour, folder, processes, recovery.heartbeat_seconds), recovery, wait)
