"""Runs a job of ours as the product does: by the local launcher, in processes of their own."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.search.tables import TABLES
from benchmarks.search.training import World
from limbeck.rank_record import RankRecord
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob


def job_of(
    world: World, place: Path, strategy: StrategyConfig, training: TrainingConfig, units: int
) -> TrainingJob:
    """Returns the job of a network with so many hidden units, whose results are below `place`."""
    table = TABLES[world.name]
    return world.job(
        "teacher",
        "labels",
        strategy=strategy,
        training=training,
        hyperparameters={"columns": table.columns, "units": units, "classes": table.classes},
        model_uri=str(place / "model"),
        record_uri=str(place),
    )


def launched(job: TrainingJob) -> tuple[float, tuple[RankRecord, ...]]:
    """Runs a job. Returns the seconds that it took as a whole, and what each process did."""
    from limbeck.launchers.cluster import Cluster
    from limbeck.launchers.launch import launch

    begin = time.perf_counter()
    records = launch(job, Cluster.of(job.strategy)).result
    return time.perf_counter() - begin, records
