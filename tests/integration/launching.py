"""Launches one training job: `python -m tests.integration.launching FOLDER`, which holds an `order.json`.

Apart from the tests that kill its processes, so that those end with it, however a test ends.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic.dataclasses import dataclass

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.rank_record import RankRecord
from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob

ORDER, OUTCOME = "order.json", "outcome.json"


@dataclass(frozen=True, config=STRICT)
class Order:
    """What to launch."""

    job: TrainingJob
    recovery: RecoveryConfig


@dataclass(frozen=True, config=STRICT)
class LaunchResult:
    """What came of it: the records in the order of the ranks, and how many attempts ended otherwise."""

    records: tuple[RankRecord, ...]
    restarts: int
    preemptions: int


def main(folder: Path) -> None:
    order = from_json(Order, (folder / ORDER).read_text(encoding="utf-8"))
    done = launch(order.job, Cluster.of(order.job.strategy, order.job.pipelining), recovery=order.recovery)
    outcome = LaunchResult(done.result, done.restarts, done.preemptions)
    (folder / OUTCOME).write_text(to_json(outcome), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
