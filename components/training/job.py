"""From artifacts to a training job and back: what TeacherTrainer and Distiller share."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from pathlib import Path

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts.files import Artifacts, split_files
from components.properties.slices import Properties, slice_of, task_of
from launchers.cluster import Cluster
from launchers.launch import launch
from limbeck.examples import TRAIN, VALIDATION
from limbeck.records import from_json
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from trainer.data.packing import pack
from trainer.distillation.targets import label_key
from trainer.job import Entry, Targets, TrainingJob
from trainer.recovery import job_digest


def train(
    entry: Entry,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: Properties,
    scratch: str,
) -> None:
    """Packs the data, runs the job, and leaves SavedModel and record in the output artifacts.

    Where an earlier try at the very same job was killed, it goes on from its newest checkpoint.

    Args:
      entry: what is trained.
      inputs: `examples` (transformed; with soft targets, where the job learns from them) and `transform_graph`.
      outputs: `model` and `model_run`.
      properties: as `components.properties.slices.TRAINING` or `DISTILLATION` declare them.
      scratch: an empty folder for what is needed only while the job runs.

    Raises:
      UserError: where data, task or configuration are at fault.
      TrainingFailedError: where a process of the job ended without a result.
    """
    targets: Targets = properties.get("targets", "labels")
    training = slice_of(TrainingConfig, properties, properties["training"])
    task = task_of(properties)
    pack_label = functools.partial(pack, label_key=label_key(entry), objective=task.load().objective)
    examples = functools.partial(_packed, inputs["examples"], pack_label, Path(scratch))
    early = training.early_stopping_patience is not None
    job = TrainingJob(
        entry=entry,
        task=task,
        examples_uri=examples(TRAIN),
        validation_uri=examples(VALIDATION) if early else None,
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
    job = dataclasses.replace(job, checkpoint_uri=job_digest.checkpoint_uri(properties["checkpoints"], job))
    launch(job, Cluster.of(job.strategy), properties["place"], from_json(RecoveryConfig, properties["recovery"]))
    _discard(job.checkpoint_uri)


def _discard(checkpoints: str | None) -> None:
    """What is done needs no checkpoint; another strategy would take it for its own result."""
    import tensorflow as tf

    if checkpoints and tf.io.gfile.exists(checkpoints):
        tf.io.gfile.rmtree(checkpoints)


def _packed(examples: list[types.Artifact], pack_label: Callable[..., int], scratch: Path, split: str) -> str:
    folder = scratch / f"packed-{split}"
    folder.mkdir(parents=True)
    pack_label(split_files(examples, split), folder, split="training" if split == TRAIN else split)
    return str(folder)
