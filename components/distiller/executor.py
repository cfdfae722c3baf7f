"""Runs Distiller: one training job for one student, or for the same one with several seeds."""

from __future__ import annotations

import json
from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler import provenance
from limbeck.components.training.job import train
from limbeck.settings.student import StudentConfig

TEACHER_HYPERPARAMETERS = "teacher_hyperparameters"


class Executor(base_executor.BaseExecutor):
    """Examples, with soft targets if the student learns from them -> the student's SavedModel."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.job.train`.

        Raises:
          DataError: if the given teacher did not make the soft targets.
        """
        if exec_properties["targets"] != "labels":
            provenance.assert_from(input_dict, "examples", "teacher")
        given = exec_properties.get(TEACHER_HYPERPARAMETERS)
        student = Section(StudentConfig).decode(exec_properties)
        train(
            "student",
            input_dict,
            output_dict,
            exec_properties,
            self._get_tmp_dir(),
            hyperparameters=student.hyperparameters,
            members=student.seeds,
            separate=student.seeds > 1,
            teacher_hyperparameters=None if given is None else json.loads(given),
        )
