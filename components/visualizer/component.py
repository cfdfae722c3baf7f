"""Visualizer: what people see of a run in the UI of Kubeflow Pipelines or Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.artifacts import types
from limbeck.components.graph.context import Context
from limbeck.components.properties.code import CODE, code_properties
from limbeck.components.properties.sections import Properties
from limbeck.components.visualizer import settings
from limbeck.components.visualizer.executor import Executor
from limbeck.digests.content import folder_digest
from limbeck.models import MODELS, STUDENT, TEACHER
from limbeck.report import html

_Channel = component_spec.ChannelParameter
_CLASSIFIERS = (TEACHER, STUDENT)


class VisualizerSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of Visualizer.

    There is one output `<model>_metrics` for each model of the run. Objectives without classes have no output
    `<model>_classification`. `given_teacher` is 1 if another pipeline trained the teacher.
    """

    PARAMETERS: ClassVar = (
        CODE | settings.PARAMETERS | {"given_teacher": component_spec.ExecutionParameter(type=int, optional=True)}
    )
    INPUTS: ClassVar = {
        "findings": _Channel(type=types.Findings),
        "measurements": _Channel(type=types.Measurements),
        "blessing": _Channel(type=standard_artifacts.ModelBlessing),
    }
    OUTPUTS: ClassVar = {
        "report": _Channel(type=types.HtmlPage),
        "verdict": _Channel(type=types.MarkdownPage),
        **{f"{name}_metrics": _Channel(type=types.Metrics, optional=one.optional) for name, one in MODELS.items()},
        **{
            f"{name}_classification": _Channel(type=types.ClassificationMetrics, optional=True)
            for name in _CLASSIFIERS
        },
    }


class Visualizer(base_component.BaseComponent):
    """Writes metrics, confusion matrices and ROC curves as metadata; the report's page and the verdict as files."""

    SPEC_CLASS = VisualizerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        findings: channel.BaseChannel,
        measurements: channel.BaseChannel,
        blessing: channel.BaseChannel,
        properties: Properties,
        models: tuple[str, ...],
        *,
        classes: bool,
    ) -> None:
        """Takes the outputs of Reporter, Predictor and Gate.

        Args:
          findings: the findings of Reporter.
          measurements: the measurements of Predictor.
          blessing: the blessing of Gate.
          properties: as `VisualizerSpec` declares them.
          models: the models of the run.
          classes: whether the task's objective has classes.
        """
        outputs = {"report": types.HtmlPage, "verdict": types.MarkdownPage}
        outputs |= {f"{name}_metrics": types.Metrics for name in models}
        if classes:
            outputs |= {f"{name}_classification": types.ClassificationMetrics for name in _CLASSIFIERS}
        spec = VisualizerSpec(
            findings=findings,
            measurements=measurements,
            blessing=blessing,
            **{key: channel_utils.as_channel([kind()]) for key, kind in outputs.items()},
            **properties,
        )
        super().__init__(spec=spec)


def visualizer(
    context: Context,
    predictor: BaseNode,
    reporter: BaseNode,
    gate: BaseNode,
    models: Mapping[str, BaseNode],
    *,
    given_teacher: bool = False,
) -> Visualizer:
    """Makes the node `Visualizer`.

    Args:
      context: settings and task.
      predictor: the node `Predictor`.
      reporter: the node `Reporter`.
      gate: the node `Gate`.
      models: the nodes that train the models, by the model's name.
      given_teacher: whether the teacher is a model of another pipeline.
    """
    code = context.code(["limbeck.components.visualizer.executor:Executor"], folder_digest(str(html.TEMPLATES)))
    return Visualizer(
        findings=reporter.outputs["findings"],
        measurements=predictor.outputs["measurements"],
        blessing=gate.outputs["blessing"],
        properties=code_properties(code)
        | settings.encode(context.config)
        | ({"given_teacher": 1} if given_teacher else {}),
        models=tuple(models),
        classes=bool({"confusion", "roc"} & context.task.objective.findings),
    )
