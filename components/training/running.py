"""Runs a training job: packs the data on this machine, launches the processes, and stores their results.

If an earlier attempt at the same job was killed, the job goes on from its newest checkpoint. If packed data are
damaged, they are packed again, once.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from limbeck import events, files
from limbeck.components.artifacts.files import split_files
from limbeck.components.artifacts.scratch import local_folder
from limbeck.components.training.execution import Execution
from limbeck.components.training.packing import Workers, pack
from limbeck.errors import DamagedDataError
from limbeck.examples import TRAIN, VALIDATION
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.trainer.distillation.targets import label_key
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery import job_digest
from limbeck.trainer.session.inputs import packed_spec

_log = logging.getLogger(__name__)


def run(make: Callable[[Execution, Path], TrainingJob], execution: Execution, scratch: str) -> None:
    """Makes a job, and runs it. Its SavedModel and record are in the output artifacts afterwards.

    Args:
      make: makes the job of an execution, with a local folder for packed data.
      execution: has the inputs `examples` and `transform_graph`, and the outputs `model` and `model_run`.
      scratch: an empty folder, or a URI, for files that are needed only during the job.

    Raises:
      UserError: if the user's data, task or configuration are wrong.
      TrainingFailedError: if a process of the job ended without a result.
    """
    with local_folder(scratch) as folder:
        job = make(execution, folder)
        workers = Workers(execution.beam_flags, scratch)
        try:
            checkpoints = _attempt(job, execution, workers)
        except DamagedDataError as error:
            # The source of the packed data is still here. Equal data are packed alike, so the job finds its
            # checkpoints.
            text = f"packed data are damaged, so they are packed again, and training goes on: {error}"
            events.note(text, _log.warning)
            checkpoints = _attempt(job, execution, workers)
    if checkpoints is not None:
        # A finished job needs no checkpoint, and a job with another strategy would resume from it.
        files.remove_folder(checkpoints)


def _attempt(job: TrainingJob, execution: Execution, workers: Workers) -> str | None:
    """Packs the data, and runs the job. Returns the folder of its checkpoints."""
    operational = execution.operational
    _pack(job, execution, workers)
    if operational.checkpoints is not None:
        # The name of the folder depends on what was packed.
        job = dataclasses.replace(job, checkpoint_uri=job_digest.checkpoint_uri(operational.checkpoints, job))
    launch(job, Cluster.of(job.strategy, job.pipelining), operational.launcher, operational.recovery)
    return job.checkpoint_uri


def _pack(job: TrainingJob, execution: Execution, workers: Workers) -> None:
    """Packs the splits that the job reads."""
    objective = job.task.load().objective
    spec = packed_spec(job.transform_graph_uri, objective)
    for split, uri in ((TRAIN, job.examples_uri), (VALIDATION, job.validation_uri)):
        if uri is None:
            continue
        files.remove_folder(uri)
        folder = Path(files.local_copy(uri))
        folder.mkdir(parents=True)
        name = "training" if split == TRAIN else split
        sources = split_files(execution.inputs["examples"], split)
        pack(sources, folder, spec, label_key(job.entry), objective, split=name, workers=workers)
