"""Computes a digest of everything that determines the result of a training job, and of nothing else.

Checkpoints outlive the run that wrote them, so that a killed run can be resumed. A training must never take the
checkpoints of another: if the learning rate, the data or the student's code has changed, it must begin from the start.
But it must find its own, although each attempt has other output folders, and may run on another number of machines. A
name that users choose would fail at either. So checkpoints are in a folder that is named by this digest.

Every field of the job counts, unless it is listed here as one that makes no difference. If somebody adds a field and
forgets this list, a training begins from the start, but no wrong model is trained.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter

from limbeck.digests.code import code_digest, task_digests
from limbeck.digests.content import folder_digest
from limbeck.settings.fields import operational_fields
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.data.packed import packed_digest
from limbeck.trainer.job import TrainingJob

# These fields say where results go, how a job is distributed, how often it is saved, and what is only tried. A schedule
# of stages may change more than that (`PipeliningConfig.rule`).
_NO_DIFFERENCE = frozenset(
    {
        "model_uri",
        "record_uri",
        "checkpoint_uri",
        "strategy",
        "pipelining",
        "checkpoint",
        "planned_student",
        "planned_teacher",
        "planned_compression",
    }
)
# Fields of the section `training`.
_NO_DIFFERENCE_IN_TRAINING = operational_fields(TrainingConfig)
# Folders whose content counts, but not their location.
_CONTENT: dict[str, Callable[[str], str]] = {
    "examples_uri": packed_digest,
    "transform_graph_uri": folder_digest,
    "validation_uri": packed_digest,
    "teacher_uri": folder_digest,
    "student_uri": folder_digest,
}


def job_digest(job: TrainingJob) -> str:
    """Returns the SHA-256, in hexadecimal, of what determines the result of `job`.

    It covers the task's code (the part that is trained, and the preprocessing, which names the model's inputs and
    classes), our training code, the versions of its packages, the content of the data, and all settings that change
    what is computed. It imports the task. It reads only the seal and the index of packed data.

    Raises:
      TaskError: if the task cannot be loaded.
      DataError: if packed data are not the ones that were packed.
      OSError: if data cannot be read.
    """
    fields = TypeAdapter(TrainingJob).dump_python(job, mode="json")
    kept: dict[str, Any] = {name: value for name, value in fields.items() if name not in _NO_DIFFERENCE}
    for name in _NO_DIFFERENCE_IN_TRAINING:
        del kept["training"][name]
    if job.pipelining.rule:
        kept["pipelining"] = job.pipelining.rule
    for name, digest_of in _CONTENT.items():
        if kept.get(name) is not None:
            kept[name] = digest_of(kept[name])
    kept["task"] = _task(job)
    # The digest covers the versions of the packages that the program depends on.
    kept["program"] = code_digest((job.program,))
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def checkpoint_uri(root_uri: str, job: TrainingJob) -> str:
    """Returns the folder below `root_uri` for the checkpoints of `job` alone. Errors are those of `job_digest`."""
    return f"{root_uri.rstrip('/')}/{job_digest(job)}"


def _task(job: TrainingJob) -> list[str]:
    digests = dataclasses.asdict(task_digests(job.task.load(), job.task))
    return [job.task.module, job.task.attribute, digests["preprocessing"], digests[job.entry]]
