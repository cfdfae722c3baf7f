"""Runs Compressor: one job that compresses the student."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.properties.sections import Section
from limbeck.components.training.job import train
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.student import StudentConfig
from limbeck.trainer.search import record


class Executor(base_executor.BaseExecutor):
    """Examples with soft targets, and the student's SavedModel -> the folder of the compressed student."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.job.train`."""
        found = record.read(artifact_utils.get_single_uri(input_dict["student_run"]))
        # A further training goes on with the loss that the student was trained with.
        loss = {} if found is None else Section(DistillationConfig).encode(found.chosen)
        train(
            "student",
            input_dict,
            output_dict,
            exec_properties | loss | {"targets": "soft_targets"},
            self._get_tmp_dir(),
            hyperparameters=Section(StudentConfig).decode(exec_properties).hyperparameters,
            compression=Section(CompressionConfig).decode(exec_properties),
        )
