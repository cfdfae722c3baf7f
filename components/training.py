"""From artifacts to a training job and back: what TeacherTrainer and Distiller share."""

from __future__ import annotations

import json
from pathlib import Path

from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import Artifacts, split_files
from components.parameters import Properties, slice_of, task_of
from launchers.cluster import Cluster
from launchers.launch import launch
from trainer.config import DistillationConfig, StrategyConfig, TrainingConfig, from_json
from trainer.ingestion import pack
from trainer.job import Entry, Targets, TrainingJob
from trainer.task import TRAIN
from trainer.training import label_key


def train(
    entry: Entry,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: Properties,
    scratch: str,
) -> None:
    """Packs the training split, runs the job, and leaves SavedModel and record in the output artifacts.

    Args:
      entry: what is trained.
      inputs: `examples` (transformed; with soft targets, where the job learns from them) and `transform_graph`.
      outputs: `model` and `model_run`.
      properties: as `components.parameters.TRAINING` or `DISTILLATION` declare them.
      scratch: an empty folder for what is needed only while the job runs.

    Raises:
      UserError: where data, task or configuration are at fault.
      TrainingFailedError: where a process of the job ended without a result.
    """
    packed = Path(scratch) / "packed-examples"
    packed.mkdir(parents=True)
    targets: Targets = properties.get("targets", "labels")
    pack(split_files(inputs["examples"], TRAIN), packed, label_key(entry))
    job = TrainingJob(
        entry=entry,
        task=task_of(properties),
        examples_uri=str(packed),
        transform_graph_uri=artifact_utils.get_single_uri(inputs["transform_graph"]),
        model_uri=path_utils.serving_model_dir(artifact_utils.get_single_uri(outputs["model"])),
        record_uri=artifact_utils.get_single_uri(outputs["model_run"]),
        targets=targets,
        strategy=from_json(StrategyConfig, properties["strategy"]),
        training=slice_of(TrainingConfig, properties),
        members=properties.get("teachers", 1),
        hyperparameters=json.loads(properties["hyperparameters"]),
        distillation=slice_of(DistillationConfig, properties) if targets == "soft_targets" else None,
    )
    launch(job, Cluster.of(job.strategy), properties["place"])
