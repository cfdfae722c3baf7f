"""A digest of everything that makes the result of a training job, and of nothing else.

Checkpoints outlive the run that wrote them, so that a killed run goes on. They must never be taken for those of
another training: not after the learning rate, the data or the student's code has changed. And they must be found
again although every try has other output folders, or runs on another number of machines. So checkpoints lie in a
folder that is named by this digest.

A field of the job counts unless it is named here as one that makes no difference: a field that is added later and
forgotten costs a training from the start, not a wrong model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from limbeck.digests import code as source_digest
from limbeck.digests import content as content_digest
from limbeck.digests.code import task_digests
from limbeck.settings.fields import operational_fields
from limbeck.settings.training import TrainingConfig
from trainer.data import packing
from trainer.job import TrainingJob

# Where results go, how a job is spread, how often it is saved, and what is only tried.
_NO_DIFFERENCE = frozenset(
    {"model_uri", "record_uri", "checkpoint_uri", "strategy", "checkpoint", "planned_student"}
)
# Of the section `training`.
_NO_DIFFERENCE_IN_TRAINING = operational_fields(TrainingConfig)
# Folders: what they hold counts, and not where they are.
_CONTENT: dict[str, Callable[[str], str]] = {
    "examples_uri": packing.digest,
    "transform_graph_uri": content_digest.digest,
    "validation_uri": packing.digest,
}
# With the versions of the packages that it reaches.
_PROGRAM = ("trainer.training:run",)


def digest(job: TrainingJob) -> str:
    """SHA-256, in hexadecimal, of what makes the result of `job`.

    That is: the task's code (of the part that is trained, and of preprocessing, which names the model's inputs and
    classes), our own training code and the versions of what it runs on, the content of the data, and all settings
    that change what is computed. It imports the task; of data that `trainer.data.packing` packed it reads no more than
    their seal and index.

    Raises:
      TaskError: where the task cannot be loaded.
      DataError: where packed data are not those that were packed.
      OSError: where data cannot be read.
    """
    fields = TypeAdapter(TrainingJob).dump_python(job, mode="json")
    kept: dict[str, Any] = {name: value for name, value in fields.items() if name not in _NO_DIFFERENCE}
    for name in _NO_DIFFERENCE_IN_TRAINING:
        del kept["training"][name]
    for name, digest_of in _CONTENT.items():
        if kept.get(name) is not None:
            kept[name] = digest_of(kept[name])
    kept["task"] = _task(job)
    kept["program"] = source_digest.digest(_PROGRAM)
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def checkpoint_uri(root_uri: str, job: TrainingJob) -> str:
    """The folder below `root_uri` for the checkpoints of `job`, and of no other. Raises what `digest` does."""
    return f"{root_uri.rstrip('/')}/{digest(job)}"


def _task(job: TrainingJob) -> list[str]:
    digests = dataclasses.asdict(task_digests(job.task.load(), job.task))
    return [job.task.module, job.task.attribute, digests["preprocessing"], digests[job.entry]]
