"""The arguments that TFX gives an executor that trains, and the settings in the environment of its process.

TFX gives an executor three dictionaries. Settings that cannot change a result come through the environment, because
they must not be part of the cache key. This module combines both.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TypeVar

from tfx.types import artifact_utils
from tfx.utils import path_utils

from limbeck.components.artifacts.files import Artifacts, split_names
from limbeck.components.properties.sections import Properties, Section
from limbeck.examples import VALIDATION
from limbeck.settings import beam, operational, trial
from limbeck.settings.operational import Operational

_Config = TypeVar("_Config")


@dataclasses.dataclass(frozen=True)
class Execution:
    """One execution of a node that trains.

    Attributes:
      inputs: input artifacts by name.
      outputs: output artifacts by name.
      properties: the execution properties that the component's spec declares.
      operational: settings that cannot change a result.
      most_steps: a training ends after this many optimizer steps; null takes all steps.
      beam_flags: flags of Beam, whose workers may read the examples.
    """

    inputs: Artifacts
    outputs: Artifacts
    properties: Properties
    operational: Operational = dataclasses.field(default_factory=Operational)
    most_steps: int | None = None
    beam_flags: tuple[str, ...] = ()

    @classmethod
    def here(cls, inputs: Artifacts, outputs: Artifacts, properties: Properties) -> Execution:
        """Returns the execution in this process. Raises ConfigError if its environment is wrong."""
        part = trial.read(os.environ)
        return cls(
            inputs,
            outputs,
            properties,
            operational.read(os.environ),
            None if part is None else part.steps,
            beam.read_flags(os.environ),
        )

    def section(self, config: type[_Config]) -> _Config:
        """Returns a section of the settings. Raises ConfigError if a property is missing or breaks a rule."""
        return Section(config).decode(self.properties)

    def input(self, name: str) -> str:
        """Returns the URI of an input."""
        return artifact_utils.get_single_uri(self.inputs[name])

    def input_model(self, name: str) -> str:
        """Returns the folder of the SavedModel in an input."""
        return path_utils.serving_model_path(self.input(name))

    def output(self, name: str) -> str:
        """Returns the URI of an output."""
        return artifact_utils.get_single_uri(self.outputs[name])

    @property
    def has_validation(self) -> bool:
        """Whether the examples have a validation split."""
        return VALIDATION in split_names(self.inputs["examples"])
