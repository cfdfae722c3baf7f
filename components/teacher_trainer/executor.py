"""Runs TeacherTrainer: one training job for all members of the ensemble."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.properties.sections import Section
from limbeck.components.training.job import train
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.teachers import TeachersConfig


class Executor(base_executor.BaseExecutor):
    """Transformed examples -> one SavedModel that holds every teacher."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.job.train`."""
        teachers = Section(TeachersConfig).decode(exec_properties)
        train(
            "teacher",
            input_dict,
            output_dict,
            exec_properties,
            self._get_tmp_dir(),
            hyperparameters=teachers.hyperparameters,
            members=teachers.count,
            pipelining=Section(PipeliningConfig).decode(exec_properties),
        )
