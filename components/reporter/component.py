"""Reporter: collects what a person wants to see of a run in one small file."""

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
    """Parameters, inputs and outputs of Reporter. The input `<model>_run` is a model's ModelRun.

    Raw examples and the transform graph belong together: with both, examples are shown with their raw features.
    `raw_split` is the name of their training split, if it is not `train`. Without an evaluation there are no slices.
    """

    PARAMETERS: ClassVar = CODE | {"raw_split": component_spec.ExecutionParameter(type=str, optional=True)}
    INPUTS: ClassVar = {
        "predictions": _Channel(type=Predictions),
        "labelled_examples": _Channel(type=standard_artifacts.Examples),
        "evaluation": _Channel(type=standard_artifacts.ModelEvaluation, optional=True),
        "raw_examples": _Channel(type=standard_artifacts.Examples, optional=True),
        "transform_graph": _Channel(type=standard_artifacts.TransformGraph, optional=True),
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

    def __init__(
        self, inputs: dict[str, channel.BaseChannel], code: CodeRef, raw_split: str | None = None
    ) -> None:
        """Takes the inputs and the parameter of `ReporterSpec` by name. Optional inputs may be missing."""
        spec = ReporterSpec(
            findings=channel_utils.as_channel([Findings()]),
            **inputs,
            **code_properties(code),
            **({} if raw_split is None else {"raw_split": raw_split}),
        )
        super().__init__(spec=spec)


def reporter(
    context: Context,
    predictor: BaseNode,
    labeler: BaseNode,
    models: Mapping[str, BaseNode],
    *,
    raw: channel.BaseChannel,
    transform_graph: channel.BaseChannel,
    evaluator: BaseNode | None = None,
    raw_split: str | None = None,
) -> Reporter:
    """Makes the node `Reporter`.

    Args:
      context: settings and task.
      predictor: the node `Predictor`.
      labeler: the node `TeacherLabeler`.
      models: the nodes that train the models, by the model's name.
      raw: raw examples.
      transform_graph: the graph that they were transformed with.
      evaluator: the node `Evaluator`; None if there is none.
      raw_split: the training split of the raw examples; None if it is `train`.
    """
    inputs = {
        "raw_examples": raw,
        "transform_graph": transform_graph,
        "predictions": predictor.outputs["predictions"],
        "labelled_examples": labeler.outputs["labelled_examples"],
        **({} if evaluator is None else {"evaluation": evaluator.outputs["evaluation"]}),
        **{f"{name}_run": node.outputs["model_run"] for name, node in models.items()},
    }
    code = context.code(["limbeck.components.reporter.executor:Executor"], repr(context.task.picture))
    return Reporter(inputs, code, raw_split)
