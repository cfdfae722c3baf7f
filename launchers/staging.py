"""Copies the files of a job to a place that its processes can read, and fetches the results.

A component packs its data into a folder of its machine, and its outputs may be folders of its machine. A process on
another machine cannot access these folders. So before a job starts, a launcher gives it other URIs: it copies inputs to
a place where the processes can read, and sets outputs to a place where they can write. When the job is done, it fetches
the outputs.

Code is not staged: the processes must be able to import ours and the task's, for example from their image.

No list of copies is kept: a URI of the staged job that differs from the job's is a copy.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from limbeck import files, temporary
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from limbeck.trainer.job import TrainingJob

INPUTS = ("examples_uri", "validation_uri", "transform_graph_uri", "teacher_uri", "student_uri")
OUTPUTS = ("model_uri", "record_uri")


def staged(
    job: TrainingJob, needed: Visibility, place: Callable[[str], str], mounted: str | None = None
) -> TrainingJob:
    """Returns the job with URIs that its processes can use.

    Args:
      job: the job that the caller asked for.
      needed: which processes must see the files of the job.
      place: takes the name of a field of the job, and returns a new folder or URI that the processes can use.
      mounted: a folder that the processes find at the same path, wherever they run.

    Raises:
      ConfigError: if the processes cannot see the checkpoints. Checkpoints outlive the launch, so a copy would not
        help. Also if a scheme is not known.
      FileNotFoundError: if an input that must be copied holds no files.
    """

    def hidden(uri: str) -> bool:
        below = mounted is not None and files.is_below(uri, mounted)
        return files.visibility(uri) < needed and not below

    if job.checkpoint_uri is not None and hidden(job.checkpoint_uri):
        raise ConfigError(
            f"checkpoints must lie where every process of the job can read them, received {job.checkpoint_uri}: give "
            "the run a --root that they can read"
        )
    moved: dict[str, Any] = {}
    try:
        for name in (*INPUTS, *OUTPUTS):
            uri = getattr(job, name)
            if uri is not None and hidden(uri):
                moved[name] = place(name)
                if name in INPUTS:
                    _copy(uri, moved[name])
    except BaseException:
        for uri in moved.values():
            _remove(uri)
        raise
    return dataclasses.replace(job, **moved)


def fetch(staged: TrainingJob, job: TrainingJob) -> None:
    """Copies the outputs of a finished staged job to the URIs of the job."""
    for name in OUTPUTS:
        source, target = getattr(staged, name), getattr(job, name)
        if source != target:
            if name == "model_uri":
                # A killed attempt may have left another model there, and the two must not mix.
                files.remove_folder(target)
            files.copy_folder(source, target)


def discard(staged: TrainingJob, job: TrainingJob) -> None:
    """Removes all copies of a staged job."""
    for name in (*INPUTS, *OUTPUTS):
        if getattr(staged, name) != getattr(job, name):
            _remove(getattr(staged, name))


def _remove(uri: str) -> None:
    files.remove_folder(uri)
    temporary.release(uri)


def _copy(source: str, target: str) -> None:
    if not files.walk(source):
        raise FileNotFoundError(f"an input of a training job must hold files, and there are none in {source}")
    files.copy_folder(source, target)
