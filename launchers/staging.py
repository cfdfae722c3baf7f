"""Hands a job to processes that do not see the files of the one that launches it, and takes the results back.

A component packs its data into a folder of its machine, and may be handed folders of its machine for its outputs; a
process on another machine finds nothing there. So a launcher gives the job other URIs before it starts: inputs are
copied to where the processes can read, outputs go where they can write, and come back when the job is done.

The code is not staged: the processes must be able to import ours and the task's, for one from their image.

What is staged is told by comparison: a URI of the staged job that differs from the job's is a copy of this launch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from trainer.job import TrainingJob

INPUTS = ("examples_uri", "validation_uri", "transform_graph_uri")
OUTPUTS = ("model_uri", "record_uri")


def staged(job: TrainingJob, needed: Visibility, place: Callable[[str], str]) -> TrainingJob:
    """The job with URIs that its processes can use.

    Args:
      job: as it was asked for.
      needed: who must see the files of the job.
      place: name of a field of the job -> a folder or URI of its own that the processes can use.

    Raises:
      ConfigError: where the checkpoints lie where the processes cannot see them. They outlive the launch, so a copy
        would be of no use; or where a scheme is not known.
      FileNotFoundError: where an input that has to be copied holds no files.
    """
    if job.checkpoint_uri is not None and files.visibility(job.checkpoint_uri) < needed:
        raise ConfigError(
            f"checkpoints must lie where every process of the job can read them, received {job.checkpoint_uri}: give "
            "the run a --root that they can read"
        )
    moved: dict[str, Any] = {}
    try:
        for name in (*INPUTS, *OUTPUTS):
            uri = getattr(job, name)
            if uri is not None and files.visibility(uri) < needed:
                moved[name] = place(name)
                if name in INPUTS:
                    _copy(uri, moved[name])
    except BaseException:
        for uri in moved.values():
            files.remove_folder(uri)
        raise
    return dataclasses.replace(job, **moved)


def fetch(staged: TrainingJob, job: TrainingJob) -> None:
    """Copies the outputs of a staged job that has ended well to where the job wants them."""
    for name in OUTPUTS:
        source, target = getattr(staged, name), getattr(job, name)
        if source != target:
            if name == "model_uri":
                # What a killed try left of another model must not be mixed in.
                files.remove_folder(target)
            files.copy_folder(source, target)


def discard(staged: TrainingJob, job: TrainingJob) -> None:
    """Removes all copies of a staged job."""
    for name in (*INPUTS, *OUTPUTS):
        if getattr(staged, name) != getattr(job, name):
            files.remove_folder(getattr(staged, name))


def _copy(source: str, target: str) -> None:
    if not files.walk(source):
        raise FileNotFoundError(f"an input of a training job must hold files, and there are none in {source}")
    files.copy_folder(source, target)
