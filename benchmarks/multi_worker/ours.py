"""Runs a job of ours as the product does: by the local launcher, in processes of their own."""

from __future__ import annotations

import time

from limbeck.rank_record import RankRecord
from limbeck.trainer.job import TrainingJob


def launched(job: TrainingJob) -> tuple[float, tuple[RankRecord, ...]]:
    """Runs a job. Returns the seconds that it took as a whole, and what each process did."""
    from limbeck.launchers.cluster import Cluster
    from limbeck.launchers.launch import launch

    begin = time.perf_counter()
    records = launch(job, Cluster.of(job.strategy)).result
    return time.perf_counter() - begin, records
