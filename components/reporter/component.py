"""Reporter: what a person wants to see of a run, in one small file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.artifacts.types import Findings, Predictions
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, CodeRef, code_properties
from limbeck.components.reporter.executor import Executor
from limbeck.models import MODELS

_Channel = component_spec.ChannelParameter


class ReporterSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of Reporter. The input `<model>_run` is a model's ModelRun."""

    PARAMETERS: ClassVar = CODE
    INPUTS: ClassVar = {
        "predictions": _Channel(type=Predictions),
        "labelled_examples": _Channel(type=standard_artifacts.Examples),
        "evaluation": _Channel(type=standard_artifacts.ModelEvaluation),
        **{
            f"{name}_run": _Channel(type=standard_artifacts.ModelRun, optional=one.optional)
            for name, one in MODELS.items()
        },
    }
    OUTPUTS: ClassVar = {"findings": _Channel(type=Findings)}


class Reporter(base_component.BaseComponent):
    """Turns the artifacts of a run into `findings.json`."""

    SPEC_CLASS = ReporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, inputs: dict[str, channel.BaseChannel], code: CodeRef) -> None:
        """Takes the inputs of `ReporterSpec` by name. Those of optional models may be missing."""
        spec = ReporterSpec(
            findings=channel_utils.as_channel([Findings()]),
            **inputs,
            **code_properties(code),
        )
        super().__init__(spec=spec)


def reporter(
    context: Context, predictor: BaseNode, evaluator: BaseNode, labeler: BaseNode, models: Mapping[str, BaseNode]
) -> Reporter:
    """Makes the node `Reporter`; `models` are the nodes that train the models, by the model's name."""
    inputs = {
        "predictions": predictor.outputs["predictions"],
        "evaluation": evaluator.outputs["evaluation"],
        "labelled_examples": labeler.outputs["labelled_examples"],
        **{f"{name}_run": node.outputs["model_run"] for name, node in models.items()},
    }
    return Reporter(
        inputs, context.code(["limbeck.components.reporter.executor:Executor"], repr(context.task.picture))
    )
