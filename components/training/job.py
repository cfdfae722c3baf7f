"""Makes a training job from an execution. TeacherTrainer, Distiller and Compressor share this code."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

from tfx.utils import path_utils

from limbeck import events
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Section
from limbeck.components.training.execution import Execution
from limbeck.errors import DataError
from limbeck.examples import TRAIN, VALIDATION
from limbeck.models import Targets
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.distillation.stored import record
from limbeck.trainer.job import Entry, TrainingJob

_log = logging.getLogger(__name__)


def base_job(execution: Execution, entry: Entry, strategy: StrategyConfig, folder: Path) -> TrainingJob:
    """Returns the job of one model that learns from labels, without the fields that only one component sets.

    Args:
      execution: has the inputs `examples` and `transform_graph`, and the outputs `model` and `model_run`.
      entry: the model that is trained.
      strategy: how the job is spread over its processes.
      folder: a local folder, in which the splits that the job reads will be packed.

    Raises:
      UserError: if a setting or the task is wrong.
    """
    task, operational = task_of(execution.properties), execution.operational
    training = dataclasses.replace(
        execution.section(TrainingConfig), steps_per_call=operational.steps_per_call, swap=operational.swap
    )
    watched = training.early_stopping_patience is not None or task.load().metrics is not None
    return TrainingJob(
        entry=entry,
        task=task,
        examples_uri=_packed(folder, TRAIN),
        validation_uri=_packed(folder, VALIDATION) if watched else None,
        transform_graph_uri=execution.input("transform_graph"),
        model_uri=path_utils.serving_model_dir(execution.output("model")),
        record_uri=execution.output("model_run"),
        targets="labels",
        strategy=strategy,
        training=training,
        checkpoint=operational.checkpoint,
        most_steps=execution.most_steps,
    )


def taught(job: TrainingJob, execution: Execution, targets: Targets, folder: Path) -> TrainingJob:
    """Returns the job of a student that learns from the answers of teachers.

    Args:
      job: the job that `base_job` returned.
      execution: its examples have soft targets.
      targets: what the student learns from: soft targets, or pseudo-labels.
      folder: as in `base_job`.
    """
    soft = targets == "soft_targets"
    distillation = execution.section(DistillationConfig) if soft else None
    search = _search(execution)
    followed = distillation is not None and distillation.generations > 1 and execution.has_validation
    job = with_validation(job, folder) if followed or search is not None else job
    return dataclasses.replace(
        job,
        targets=targets,
        distillation=distillation,
        labelling=record.read(execution.input("examples")).labelling,
        search=search,
    )


def with_validation(job: TrainingJob, folder: Path) -> TrainingJob:
    """Returns the job with a validation split, on which something is chosen. `folder` is as in `base_job`."""
    return dataclasses.replace(job, validation_uri=_packed(folder, VALIDATION))


def assert_can_choose(recipe: CompressionConfig | None, execution: Execution) -> None:
    """Raises DataError if a recipe is to be chosen, and the examples have no validation split to choose it on."""
    if recipe is not None and recipe.recipe == "auto" and not execution.has_validation:
        raise DataError(
            "compression.recipe=auto judges files on the validation split, and the examples have none: give the data "
            "one, or name a recipe"
        )


def _packed(folder: Path, split: str) -> str:
    return str(folder / f"packed-{split}")


def _search(execution: Execution) -> SearchConfig | None:
    """Returns how the loss is searched for; None if there is no search, or if the examples have no validation split."""
    if Section(SearchConfig).name not in execution.properties:
        return None
    if execution.has_validation:
        return execution.section(SearchConfig)
    text = (
        "no search for temperature and alpha: the examples have no validation split, so the usual values are taken"
    )
    events.note(text, _log.warning)
    return None
