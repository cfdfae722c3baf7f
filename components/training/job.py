"""Makes a training job from artifacts, runs it, and writes its results: what TeacherTrainer and Distiller share."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path

from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck import events, files
from limbeck.components.artifacts.files import Artifacts, split_files, split_names
from limbeck.components.artifacts.scratch import local_folder
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Properties, Section
from limbeck.components.training.packing import Workers, pack
from limbeck.errors import DamagedDataError, DataError
from limbeck.examples import TRAIN, VALIDATION
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.models import Targets
from limbeck.reference import TaskRef
from limbeck.settings import beam, trial
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.fields import Scalar
from limbeck.settings.labelling import LabellingConfig
from limbeck.settings.operational import Operational
from limbeck.settings.operational import read as read_operational
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.distillation.targets import label_key
from limbeck.trainer.job import Entry, TrainingJob
from limbeck.trainer.recovery import job_digest
from limbeck.trainer.session.inputs import packed_spec

_log = logging.getLogger(__name__)
_SEARCH = Section(SearchConfig, optional=True)


def train(
    entry: Entry,
    inputs: Artifacts,
    outputs: Artifacts,
    properties: Properties,
    scratch: str,
    *,
    hyperparameters: dict[str, Scalar],
    members: int = 1,
    separate: bool = False,
    teacher_hyperparameters: dict[str, Scalar] | None = None,
    compression: CompressionConfig | None = None,
    pipelining: PipeliningConfig | None = None,
) -> None:
    """Packs the data onto this machine, runs the job, and leaves SavedModel and record in the output artifacts.

    If an earlier attempt at the same job was killed, the job goes on from its newest checkpoint. Packed data that are
    damaged are packed again, once.

    Args:
      entry: what is trained.
      inputs: `examples` (transformed; with soft targets if the job learns from them) and `transform_graph`.
      outputs: `model` and `model_run`.
      properties: the execution properties that the component's spec declares.
      scratch: an empty folder, or a URI, for files that are needed only during the job.
      hyperparameters: hyperparameters of the model.
      members: how many models are trained.
      separate: whether they are no ensemble: the first is the model, and the others are left in `model_run`.
      teacher_hyperparameters: hyperparameters of the model in the input `teacher`. If they are given, the student
        begins with weights that the task makes of that model.
      compression: how the model in the input `student_model` is compressed, in one process and on one device. None: a
        model is trained.
      pipelining: the stages of each model. If there are several, `strategy` does not hold.

    Raises:
      UserError: if the user's data, task or configuration are wrong.
      TrainingFailedError: if a process of the job ended without a result.
    """
    operational, part = read_operational(os.environ), trial.read(os.environ)
    with local_folder(scratch) as folder:
        task = task_of(properties)
        training = dataclasses.replace(
            Section(TrainingConfig).decode(properties),
            steps_per_call=operational.steps_per_call,
            swap=operational.swap,
        )
        targets: Targets = properties.get("targets", "labels")
        labelling = _labelling(targets, inputs)
        stages = pipelining or PipeliningConfig()
        search = _search(properties, inputs)
        planned = _planned_compression(operational, entry, targets, compression)
        auto = compression is not None and compression.recipe == "auto"
        _assert_validation(compression or planned, inputs)
        workers = Workers(beam.read_flags(os.environ), scratch)

        def attempt() -> TrainingJob:
            judged = search is not None or auto or _followed(properties, targets, inputs)
            packed = _pack(entry, inputs, training, task, folder, workers=workers, judged=judged)
            job = TrainingJob(
                entry=entry,
                task=task,
                examples_uri=packed[TRAIN],
                validation_uri=packed.get(VALIDATION),
                transform_graph_uri=artifact_utils.get_single_uri(inputs["transform_graph"]),
                model_uri=path_utils.serving_model_dir(artifact_utils.get_single_uri(outputs["model"])),
                record_uri=artifact_utils.get_single_uri(outputs["model_run"]),
                targets=targets,
                strategy=_strategy(properties, one_process=compression is not None or stages.is_on),
                training=training,
                pipelining=stages,
                members=members,
                separate=separate,
                hyperparameters=hyperparameters,
                distillation=Section(DistillationConfig).decode(properties) if targets == "soft_targets" else None,
                labelling=labelling,
                search=search,
                checkpoint=operational.checkpoint,
                most_steps=None if part is None else part.steps,
                teacher_uri=(
                    None
                    if teacher_hyperparameters is None
                    else path_utils.serving_model_path(artifact_utils.get_single_uri(inputs["teacher"]))
                ),
                teacher_hyperparameters=teacher_hyperparameters or {},
                planned_student=operational.planned_student if entry == "teacher" else None,
                planned_compression=planned,
                compression=compression,
                student_uri=(
                    None
                    if compression is None
                    else path_utils.serving_model_path(artifact_utils.get_single_uri(inputs["student_model"]))
                ),
                planned_teacher=operational.planned_teacher if (entry, targets) == ("student", "labels") else None,
            )
            if operational.checkpoints is not None:
                uri = job_digest.checkpoint_uri(operational.checkpoints, job)
                job = dataclasses.replace(job, checkpoint_uri=uri)
            launch(job, Cluster.of(job.strategy, job.pipelining), operational.launcher, operational.recovery)
            return job

        try:
            job = attempt()
        except DamagedDataError as error:
            # Their source is here. Equal data are packed alike, so the job finds its checkpoints.
            text = f"packed data are damaged, so they are packed again, and training goes on: {error}"
            _log.warning("%s", text)
            events.emit("note", text=text)
            job = attempt()
    if job.checkpoint_uri is not None:
        # A finished job needs no checkpoint, and another strategy would take it for its own.
        files.remove_folder(job.checkpoint_uri)


def _followed(properties: Properties, targets: Targets, inputs: Artifacts) -> bool:
    """Returns whether generations follow each other, and there is a validation split to judge each of them."""
    if targets != "soft_targets" or VALIDATION not in split_names(inputs["examples"]):
        return False
    return Section(DistillationConfig).decode(properties).generations > 1


def _labelling(targets: Targets, inputs: Artifacts) -> LabellingConfig:
    """Returns how the soft targets of the examples are stored. Labels alone have none."""
    if targets == "labels":
        return LabellingConfig()
    return record.read(artifact_utils.get_single_uri(inputs["examples"])).labelling


def _strategy(properties: Properties, *, one_process: bool) -> StrategyConfig:
    return StrategyConfig("one_device") if one_process else Section(StrategyConfig).decode(properties)


def _planned_compression(
    operational: Operational, entry: Entry, targets: Targets, compression: CompressionConfig | None
) -> CompressionConfig | None:
    """Returns how the student will be compressed, for the trainings that it depends on. Controls are not compressed."""
    if entry == "teacher":
        return operational.planned_compression if operational.planned_student else None
    return operational.planned_compression if targets == "soft_targets" and compression is None else None


def _assert_validation(compression: CompressionConfig | None, inputs: Artifacts) -> None:
    """Raises DataError if a recipe is to be chosen, and the examples have no validation split to choose it on."""
    if (
        compression is not None
        and compression.recipe == "auto"
        and VALIDATION not in split_names(inputs["examples"])
    ):
        raise DataError(
            "compression.recipe=auto judges files on the validation split, and the examples have none: give the data "
            "one, or name a recipe"
        )


def _search(properties: Properties, inputs: Artifacts) -> SearchConfig | None:
    """Returns how the loss is searched for; None if it is not, or if the examples have no validation split."""
    if _SEARCH.name not in properties:
        return None
    if VALIDATION in split_names(inputs["examples"]):
        return _SEARCH.decode(properties)
    text = (
        "no search for temperature and alpha: the examples have no validation split, so the usual values are taken"
    )
    _log.warning("%s", text)
    events.emit("note", text=text)
    return None


def _pack(
    entry: Entry,
    inputs: Artifacts,
    training: TrainingConfig,
    task: TaskRef,
    scratch: Path,
    *,
    workers: Workers,
    judged: bool,
) -> dict[str, str]:
    """Packs the splits that the job reads. Returns the folder of each split.

    `judged` says whether the job chooses something on the validation split.
    """
    loaded, folders = task.load(), {}
    objective = loaded.objective
    spec = packed_spec(artifact_utils.get_single_uri(inputs["transform_graph"]), objective)
    validated = judged or training.early_stopping_patience is not None or loaded.metrics is not None
    for split in (TRAIN, *([VALIDATION] if validated else [])):
        folder = scratch / f"packed-{split}"
        files.remove_folder(str(folder))
        folder.mkdir(parents=True)
        name = "training" if split == TRAIN else split
        sources = split_files(inputs["examples"], split)
        pack(sources, folder, spec, label_key(entry), objective, split=name, workers=workers)
        folders[split] = str(folder)
    return folders
