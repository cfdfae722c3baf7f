"""Runs Compressor: one job that compresses the student."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.training import running
from limbeck.components.training.execution import Execution
from limbeck.components.training.job import assert_can_choose, base_job, taught, with_validation
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.search import record


class Executor(base_executor.BaseExecutor):
    """Examples with soft targets, and the student's SavedModel -> the folder of the compressed student."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `limbeck.components.training.running.run`."""
        execution = Execution.here(input_dict, output_dict, exec_properties)
        running.run(compressed_student, execution, self._get_tmp_dir())


def compressed_student(execution: Execution, folder: Path) -> TrainingJob:
    """Returns the job that compresses the student, in one process and on one device. `folder` is for packed data."""
    config = execution.section(CompressionConfig)
    assert_can_choose(config, execution)
    job = base_job(execution, "student", StrategyConfig("one_device"), folder)
    job = taught(job, execution, "soft_targets", folder)
    if config.recipe == "auto":
        job = with_validation(job, folder)
    # The further training uses the loss that the student was trained with.
    found = record.read(execution.input("student_run"))
    return dataclasses.replace(
        job,
        distillation=job.distillation if found is None else found.chosen,
        hyperparameters=execution.section(StudentConfig).hyperparameters,
        compression=config,
        student_uri=execution.input_model("student_model"),
    )
