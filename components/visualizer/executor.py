"""Runs Visualizer: reads findings, measurements and verdict, and writes what a UI draws."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from limbeck import files
from limbeck.components.artifacts.files import Artifacts, single_uris
from limbeck.components.gate.decision import DECISION_FILE, Decision
from limbeck.components.predictor import tables
from limbeck.components.properties.code import task_of
from limbeck.components.visualizer import metadata, settings
from limbeck.components.visualizer.assembly import report_of
from limbeck.components.visualizer.page import page
from limbeck.models import CONTROLS, MODELS
from limbeck.records import from_json
from limbeck.report import findings, markdown


class Executor(base_executor.BaseExecutor):
    """Findings, measurements and blessing -> metrics of each model, page, and verdict."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX."""
        uri = single_uris(input_dict, output_dict)
        measured = tables.read_measured(uri["measurements"])
        found = findings.read(uri["findings"])
        report = report_of(
            task=task_of(exec_properties).module.rpartition(".")[2],
            config=settings.decode(exec_properties, controls=any(name in measured.models for name in CONTROLS)),
            measured=measured,
            decision=from_json(Decision, files.read_text(files.join(uri["blessing"], DECISION_FILE))),
            findings=found,
            given_teacher=bool(exec_properties.get("given_teacher")),
        )
        for name in MODELS:
            if f"{name}_metrics" in uri:
                drawn = artifact_utils.get_single_instance(output_dict[f"{name}_metrics"])
                for key, value in metadata.figures(report, name).items():
                    drawn.set_float_custom_property(key, value)
            if f"{name}_classification" in uri:
                drawn = artifact_utils.get_single_instance(output_dict[f"{name}_classification"])
                for key, value in metadata.classification(found, name).items():
                    drawn.set_json_value_custom_property(key, value)
        files.write_text(uri["report"], page(report))
        files.write_text(uri["verdict"], markdown.render(report))
