"""Runs Gate: reads predictions and measurements, and writes TFX's ModelBlessing and the reasons."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from limbeck import files
from limbeck.components.artifacts import blessing as names
from limbeck.components.artifacts.files import Artifacts
from limbeck.components.comparison.compare import compare
from limbeck.components.comparison.seeds import compare_seeds
from limbeck.components.gate import looks
from limbeck.components.gate.decision import DECISION_FILE, decide
from limbeck.components.predictor import tables
from limbeck.components.properties.code import task_of
from limbeck.components.properties.sections import Section
from limbeck.examples import TEST
from limbeck.models import TEACHER, shipped
from limbeck.records import to_json
from limbeck.settings import operational
from limbeck.settings.gate import GateConfig


class Executor(base_executor.BaseExecutor):
    """Predictions and measurements -> blessing."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX."""
        objective = task_of(exec_properties).load().objective
        predictions = tables.read_test_split(artifact_utils.get_single_uri(input_dict["predictions"]))
        measured = tables.read_measured(artifact_utils.get_single_uri(input_dict["measurements"]))
        judged = shipped(measured.models)
        answers = tables.answers(predictions, TEST, objective)
        further = tables.read_seeds(artifact_utils.get_single_uri(input_dict["predictions"]), objective)
        verdicts = dataclasses.replace(
            compare(answers, objective.statistic),
            across_seeds=compare_seeds(answers, further, objective.statistic),
        )
        decision = decide(
            student=tables.quality(predictions, judged, TEST, objective),
            teacher=tables.quality(predictions, TEACHER, TEST, objective),
            facts=measured.models[judged],
            verdicts=verdicts,
            limits=Section(GateConfig).decode(exec_properties),
            measure=objective.measure,
            needed=objective.wording.needed,
        )
        looked_at = operational.read(os.environ).looks
        if looked_at is not None:
            decision = dataclasses.replace(decision, test_split=looks.note(looked_at, predictions))
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing.set_string_custom_property(names.CURRENT_MODEL, model.uri)
        # TFX's resolver of the latest blessed model looks for this property. With it, the Evaluator of another pipeline
        # would get our student as the baseline of its own model.
        if not exec_properties.get("unresolved"):
            blessing.set_int_custom_property(names.CURRENT_MODEL_ID, model.id)
        blessing.set_int_custom_property(names.BLESSED, int(decision.passed))
        mark = names.BLESSED_FILE if decision.passed else names.NOT_BLESSED_FILE
        files.write_bytes(files.join(blessing.uri, mark), b"")
        files.write_text(files.join(blessing.uri, DECISION_FILE), to_json(decision))
