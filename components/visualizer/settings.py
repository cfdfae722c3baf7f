"""The settings that the page shows: those that decide about models and verdict. They are execution properties."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

from tfx.types.component_spec import ExecutionParameter

from limbeck.components.properties.sections import Properties, Section
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig

_KINDS = (
    StrategyConfig,
    TrainingConfig,
    TeachersConfig,
    StudentConfig,
    DistillationConfig,
    CompressionConfig,
    GateConfig,
)
_SECTIONS = MappingProxyType({section.name: section for section in (Section[Any](kind) for kind in _KINDS)})
# A run on a cluster may change this setting. TeacherTrainer declares it under another name.
_EPOCHS = "teachers_epochs"

NAMES = (*_SECTIONS, "controls")
PARAMETERS = {key: one for section in _SECTIONS.values() for key, one in section.parameters.items()} | {
    _EPOCHS: ExecutionParameter(type=int)
}


def encode(config: Config) -> Properties:
    """Returns the properties. Settings that are equivalent have the same properties."""
    strategy, teachers = config.strategy, config.teachers
    config = dataclasses.replace(
        config,
        strategy=strategy.written_out,
        teachers=dataclasses.replace(teachers, epochs=None),
    )
    properties = {_EPOCHS: teachers.epochs or config.training.epochs}
    for name, section in _SECTIONS.items():
        properties |= section.encode(getattr(config, name))
    return properties


def decode(properties: Properties, *, controls: bool) -> Config:
    """Returns the settings. Those that the page does not show have their defaults.

    Args:
      properties: execution properties; others are ignored.
      controls: whether the run has controls.

    Raises:
      ConfigError: if a property is missing, or breaks a rule.
    """
    sections = {name: section.decode(properties) for name, section in _SECTIONS.items()}
    # If it is null, it follows `training.epochs`, and the page's advice knows that.
    own = properties[_EPOCHS] if properties[_EPOCHS] != sections["training"].epochs else None
    sections["teachers"] = dataclasses.replace(sections["teachers"], epochs=own)
    return Config(**sections, controls=controls)
