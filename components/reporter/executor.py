"""Runs Reporter: reads the artifacts of a run, writes the findings."""

from __future__ import annotations

from typing import Any

from tfx.dsl.components.base import base_executor

from limbeck.components.artifacts.files import Artifacts, single_uris, split_files
from limbeck.components.properties.code import task_of
from limbeck.components.reporter.collect import Sources, collect
from limbeck.components.reporter.soft_targets import RawExamples
from limbeck.examples import TRAIN
from limbeck.models import MODELS
from limbeck.report import findings


class Executor(base_executor.BaseExecutor):
    """Predictions, soft targets, evaluation and model runs -> findings."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:  # noqa: N802
        """Called by TFX.

        Raises:
          TaskError: if the examples do not hold the task's picture.
        """
        uri = single_uris(input_dict, output_dict)
        sources = Sources(
            predictions=uri["predictions"],
            training_examples=split_files(input_dict["labelled_examples"], TRAIN),
            evaluation=uri.get("evaluation"),
            model_runs={name: uri[f"{name}_run"] for name in MODELS if f"{name}_run" in uri},
            labelled=uri["labelled_examples"],
            raw=_raw(input_dict, uri, exec_properties.get("raw_split") or TRAIN),
        )
        findings.write(collect(sources, task_of(exec_properties).load()), uri["findings"])


def _raw(inputs: Artifacts, uri: dict[str, str], split: str) -> RawExamples | None:
    if not {"raw_examples", "transform_graph"} <= uri.keys():
        return None
    return RawExamples(split_files(inputs["raw_examples"], split), uri["transform_graph"])
