"""From artifacts to a training job and back: what TeacherTrainer and Distiller share."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts.files import Artifacts, split_files
from components.artifacts.scratch import local_folder
from components.properties.slices import Properties, slice_of, task_of
from launchers.cluster import Cluster
from launchers.launch import launch
from limbeck import files
from limbeck.examples import TRAIN, VALIDATION
from limbeck.records import from_json
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from trainer.data.packing import pack
from trainer.job import Entry, Targets, TrainingJob
from trainer.recovery import job_digest
from trainer.training import label_key


def train(
    entry: Entry,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: Properties,
    scratch: str,
) -> None:
    """Packs the data on this machine, runs the job, and leaves SavedModel and record in the output artifacts.

    Where an earlier try at the very same job was killed, it goes on from its newest checkpoint.

    Args:
      entry: what is trained.
      inputs: `examples` (transformed; with soft targets, where the job learns from them) and `transform_graph`.
      outputs: `model` and `model_run`.
      properties: as `components.properties.slices.TRAINING` or `DISTILLATION` declare them.
      scratch: an empty folder, or a URI, for what is needed only while the job runs.

    Raises:
      UserError: where data, task or configuration are at fault.
      TrainingFailedError: where a process of the job ended without a result.
    """
    how = _settings(properties)
    with local_folder(scratch) as folder:
        job = _job(entry, inputs, outputs, properties, folder)
        checkpoints = job_digest.checkpoint_uri(how.checkpoints, job)
        job = dataclasses.replace(job, checkpoint_uri=checkpoints)
        launch(job, Cluster.of(job.strategy), how.launcher, how.recovery)
    # What is done needs no checkpoint; another strategy would take it for its own result.
    files.remove_folder(checkpoints)


@dataclasses.dataclass(frozen=True)
class _HowToRun:
    """What changes no result.

    Attributes:
      launcher: where the processes run.
      recovery: what becomes of a job of which a process failed.
      checkpoints: folder or URI of the checkpoints of all jobs.
    """

    launcher: LauncherConfig
    recovery: RecoveryConfig
    checkpoints: str


def _settings(properties: Properties) -> _HowToRun:
    return _HowToRun(
        from_json(LauncherConfig, properties["launcher"]),
        from_json(RecoveryConfig, properties["recovery"]),
        properties["checkpoints"],
    )


def _job(
    entry: Entry, inputs: Artifacts, outputs: Artifacts, properties: Properties, scratch: Path
) -> TrainingJob:
    targets: Targets = properties.get("targets", "labels")
    training = slice_of(TrainingConfig, properties, properties["training"])
    examples, label = inputs["examples"], label_key(entry)
    early = training.early_stopping_patience is not None
    return TrainingJob(
        entry=entry,
        task=task_of(properties),
        examples_uri=_packed(examples, label, scratch, TRAIN),
        validation_uri=_packed(examples, label, scratch, VALIDATION) if early else None,
        transform_graph_uri=artifact_utils.get_single_uri(inputs["transform_graph"]),
        model_uri=path_utils.serving_model_dir(artifact_utils.get_single_uri(outputs["model"])),
        record_uri=artifact_utils.get_single_uri(outputs["model_run"]),
        targets=targets,
        strategy=from_json(StrategyConfig, properties["strategy"]),
        training=training,
        members=properties.get("teachers", 1),
        hyperparameters=json.loads(properties["hyperparameters"]),
        distillation=slice_of(DistillationConfig, properties) if targets == "soft_targets" else None,
        checkpoint=from_json(CheckpointConfig, properties["checkpoint"]),
    )


def _packed(examples: list[types.Artifact], label: str, scratch: Path, split: str) -> str:
    folder = scratch / f"packed-{split}"
    folder.mkdir(parents=True)
    pack(split_files(examples, split), folder, label, "training" if split == TRAIN else split)
    return str(folder)
