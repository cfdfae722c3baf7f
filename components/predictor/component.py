"""Predictor: predictions and measurements of all models, read by everything that judges them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from limbeck.components.artifacts.types import CompressedModel, Measurements, Predictions
from limbeck.components.graph.context import Context
from limbeck.components.predictor.executor import Executor
from limbeck.components.properties.code import CODE, CodeRef, code_properties
from limbeck.models import MODELS

_Channel = component_spec.ChannelParameter


class PredictorSpec(component_spec.ComponentSpec):
    """Parameters, inputs and outputs of Predictor: for each model its SavedModel, and its ModelRun as `<model>_run`."""

    PARAMETERS: ClassVar = CODE
    INPUTS: ClassVar = {
        "raw_examples": _Channel(type=standard_artifacts.Examples),
        "labelled_examples": _Channel(type=standard_artifacts.Examples),
        **{
            name: _Channel(
                type=CompressedModel if one.compressed else standard_artifacts.Model, optional=one.optional
            )
            for name, one in MODELS.items()
        },
        **{
            f"{name}_run": _Channel(type=standard_artifacts.ModelRun, optional=one.optional)
            for name, one in MODELS.items()
        },
    }
    OUTPUTS: ClassVar = {
        "predictions": _Channel(type=Predictions),
        "measurements": _Channel(type=Measurements),
    }


class Predictor(base_beam_component.BaseBeamComponent):
    """Scores the students, reads the teachers' logits from the soft targets, and measures every model."""

    SPEC_CLASS = PredictorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, inputs: dict[str, channel.BaseChannel], code: CodeRef) -> None:
        """Takes the inputs of `PredictorSpec` by name. Those of optional models may be missing."""
        spec = PredictorSpec(
            predictions=channel_utils.as_channel([Predictions()]),
            measurements=channel_utils.as_channel([Measurements()]),
            **inputs,
            **code_properties(code),
        )
        super().__init__(spec=spec)


def predictor(context: Context, raw: BaseNode, labeler: BaseNode, models: Mapping[str, BaseNode]) -> Predictor:
    """Makes the node `Predictor`; `models` are the nodes that train the models, by the model's name."""
    inputs = {
        "raw_examples": raw.outputs["examples"],
        "labelled_examples": labeler.outputs["labelled_examples"],
        **{name: node.outputs["model"] for name, node in models.items()},
        **{f"{name}_run": node.outputs["model_run"] for name, node in models.items()},
    }
    return Predictor(
        inputs, context.code(["limbeck.components.predictor.executor:Executor", "limbeck.trainer.serving.latency"])
    )
