"""Runs Distiller: one training job for one student, or for one student with several seeds."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.teacher_labeler import provenance
from limbeck.components.training import running
from limbeck.components.training.execution import Execution
from limbeck.components.training.job import assert_can_choose, base_job, taught
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.trainer.job import TrainingJob

TEACHER_HYPERPARAMETERS = "teacher_hyperparameters"


class Executor(base_executor.BaseExecutor):
    """Examples, with soft targets if the student learns from them -> the student's SavedModel."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.running.run`.

        Raises:
          DataError: if the given teacher did not make the soft targets.
        """
        if exec_properties["targets"] != "labels":
            provenance.assert_from(input_dict, "examples", "teacher")
        running.run(student, Execution.here(input_dict, output_dict, exec_properties), self._get_tmp_dir())


def student(execution: Execution, folder: Path) -> TrainingJob:
    """Returns the job of the student or a control, with its search if there is one. `folder` is for packed data.

    If the teacher's hyperparameters are given, the student starts with weights that the task makes from the teacher.
    """
    config, targets = execution.section(StudentConfig), execution.properties["targets"]
    # Controls are not compressed.
    recipe = execution.operational.planned_compression if targets == "soft_targets" else None
    assert_can_choose(recipe, execution)
    job = base_job(execution, "student", execution.section(StrategyConfig), folder)
    if targets == "labels":
        job = dataclasses.replace(job, planned_teacher=execution.operational.planned_teacher)
    else:
        job = taught(job, execution, targets, folder)
    if (given := execution.properties.get(TEACHER_HYPERPARAMETERS)) is not None:
        job = dataclasses.replace(
            job, teacher_uri=execution.input_model("teacher"), teacher_hyperparameters=json.loads(given)
        )
    return dataclasses.replace(
        job,
        members=config.seeds,
        separate=config.seeds > 1,
        hyperparameters=config.hyperparameters,
        planned_compression=recipe,
    )
