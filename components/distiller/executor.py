"""Runs Distiller: one training job for the student."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor

from components.artifacts import Artifacts
from components.training import train


class Executor(base_executor.BaseExecutor):
    """Examples with soft targets -> the student's SavedModel."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX; see `components.training.train`."""
        train("student", input_dict, output_dict, exec_properties, self._get_tmp_dir())
