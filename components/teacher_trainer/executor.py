"""Runs TeacherTrainer: one training job for all members of the ensemble."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.training import running
from limbeck.components.training.execution import Execution
from limbeck.components.training.job import assert_can_choose, base_job
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.trainer.job import TrainingJob


class Executor(base_executor.BaseExecutor):
    """Transformed examples -> one SavedModel that holds every teacher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.running.run`."""
        running.run(teachers, Execution.here(input_dict, output_dict, exec_properties), self._get_tmp_dir())


def teachers(execution: Execution, folder: Path) -> TrainingJob:
    """Returns the job of all teachers, which first tries the planned student. `folder` is for packed data."""
    config, stages = execution.section(TeachersConfig), execution.section(PipeliningConfig)
    student = execution.operational.planned_student
    recipe = None if student is None else execution.operational.planned_compression
    assert_can_choose(recipe, execution)
    strategy = StrategyConfig("one_device") if stages.is_on else execution.section(StrategyConfig)
    return dataclasses.replace(
        base_job(execution, "teacher", strategy, folder),
        pipelining=stages,
        members=config.count,
        hyperparameters=config.hyperparameters,
        planned_student=student,
        planned_compression=recipe,
    )
