"""Predictor: predictions and measurements of all models, read by everything that judges them."""

from __future__ import annotations

from typing import ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, channel_utils, component_spec, standard_artifacts

from components.artifacts.types import Measurements, Predictions
from components.predictor.executor import Executor
from components.properties.slices import CODE, CodeRef, code_properties
from limbeck.models import CONTROLS, MODELS

_Channel = component_spec.ChannelParameter


class PredictorSpec(component_spec.ComponentSpec):
    """What Predictor takes and gives: for each model its SavedModel and, as `<model>_run`, its ModelRun."""

    PARAMETERS: ClassVar = CODE
    INPUTS: ClassVar = {
        "raw_examples": _Channel(type=standard_artifacts.Examples),
        "labelled_examples": _Channel(type=standard_artifacts.Examples),
        **{name: _Channel(type=standard_artifacts.Model, optional=name in CONTROLS) for name in MODELS},
        **{
            f"{name}_run": _Channel(type=standard_artifacts.ModelRun, optional=name in CONTROLS) for name in MODELS
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
        """Takes the inputs of `PredictorSpec` by name; those of the controls may be left out."""
        spec = PredictorSpec(
            predictions=channel_utils.as_channel([Predictions()]),
            measurements=channel_utils.as_channel([Measurements()]),
            **inputs,
            **code_properties(code),
        )
        super().__init__(spec=spec)
