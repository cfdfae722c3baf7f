"""Reads what each process of a job did: `rank-<r>.json` in the job's `record_uri`, which may be any URI."""

from __future__ import annotations

from limbeck import files
from limbeck.errors import ConfigError, TrainingFailedError
from limbeck.launchers.cluster import Cluster, title
from limbeck.rank_record import RankRecord
from limbeck.records import from_json
from limbeck.trainer.distribution import stage_signs
from limbeck.trainer.distribution.cluster import ClusterTask
from limbeck.trainer.job import TrainingJob


def discard(job: TrainingJob, cluster: Cluster) -> None:
    """Removes the records and signs of an earlier attempt, so that they are not taken for those of this attempt."""
    for task in cluster.training:
        files.remove(_uri(job, task), missing_ok=True)
    if cluster.stages:
        stage_signs.discard(job.record_uri, len(cluster.tasks))


def read(job: TrainingJob, cluster: Cluster) -> tuple[RankRecord, ...]:
    """Reads the records of all processes that train, in the order of the ranks. All processes have ended.

    Raises:
      TrainingFailedError: if a process ended with exit code 0, but left no readable record.
    """
    if cluster.stages:
        stage_signs.discard(job.record_uri, len(cluster.tasks))
    return tuple(_read(job, task) for task in cluster.training)


def _read(job: TrainingJob, task: ClusterTask) -> RankRecord:
    uri = _uri(job, task)
    try:
        return from_json(RankRecord, files.read_text(uri))
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise TrainingFailedError(
            f"{title(job, task)} ended with exit code 0, but left no readable record: {uri}: {error}"
        ) from None


def _uri(job: TrainingJob, task: ClusterTask) -> str:
    return files.join(job.record_uri, f"rank-{task.rank}.json")
