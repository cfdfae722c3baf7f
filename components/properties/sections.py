"""Execution properties <-> sections of the settings.

TFX gives an executor a flat dictionary of strings and numbers. A list of names that is kept by hand beside the settings
will miss a field one day, and equal names of two sections collide. So names, types and values come from the section's
dataclass. Each runtime field is one property, such as `training_epochs`, which the Kubeflow form can edit. All
structural fields together are one JSON property with the section's name, such as `training`. Building the section again
validates what was edited.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import Any, Generic, TypeVar

from tfx.types.component_spec import ExecutionParameter

from limbeck.errors import ConfigError
from limbeck.records import from_mapping, to_json
from limbeck.settings.fields import runtime_fields, structural_fields

Properties = dict[str, Any]
_Config = TypeVar("_Config")
_KINDS = (int, float, str)


@dataclasses.dataclass(frozen=True)
class Section(Generic[_Config]):
    """One section of the settings, as a component declares it: `TRAINING = Section(TrainingConfig)`.

    Attributes:
      config: the section's class, `<Name>Config`.
      optional: whether a node of the component may lack the whole section.
    """

    config: type[_Config]
    optional: bool = False

    @property
    def name(self) -> str:
        """The name of the section in the whole configuration."""
        return self.config.__name__.removesuffix("Config").lower()

    @property
    def parameters(self) -> dict[str, ExecutionParameter]:
        """The parameters that a component's spec declares for the section.

        Raises:
          TypeError: if a runtime field is neither a number nor a text. TFX takes no other types.
        """
        hints = typing.get_type_hints(self.config)
        declared = {}
        for field in runtime_fields(self.config):
            kind, nullable = _kind(hints[field], f"{self.name}.{field}")
            declared[self._key(field)] = ExecutionParameter(type=kind, optional=nullable or self.optional)
        if structural_fields(self.config):
            declared[self.name] = ExecutionParameter(type=str, optional=self.optional)
        return declared

    def encode(self, value: _Config) -> Properties:
        """Returns the properties of a value, without fields that are None."""
        fields = {self._key(name): getattr(value, name) for name in runtime_fields(self.config)}
        properties = {key: field for key, field in fields.items() if field is not None}
        if structural := structural_fields(self.config):
            plain = json.loads(to_json(value))
            properties[self.name] = json.dumps({name: plain[name] for name in structural}, sort_keys=True)
        return properties

    def decode(self, properties: Properties) -> _Config:
        """Builds the section from the properties of a component. Ignores properties of other sections.

        Raises:
          ConfigError: if a property is missing, or breaks a rule of the section.
        """
        values = self._structural(properties)
        values |= {name: properties.get(self._key(name)) for name in runtime_fields(self.config)}
        return from_mapping(self.config, values, prefix=self.name)

    def _structural(self, properties: Properties) -> dict[str, Any]:
        if not structural_fields(self.config):
            return {}
        if self.name not in properties:
            raise ConfigError(f"the property '{self.name}' is missing; it holds fields of the settings section")
        try:
            values: dict[str, Any] = json.loads(properties[self.name])
        except json.JSONDecodeError:
            raise ConfigError(f"the property '{self.name}' is not JSON: {properties[self.name][:80]!r}") from None
        return values

    def _key(self, field: str) -> str:
        return f"{self.name}_{field}"


def _kind(hint: Any, place: str) -> tuple[type, bool]:
    """Returns the type of the property for a type hint, and whether the field may be None."""
    members = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    kinds = [kind for kind in members if kind is not type(None)]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise TypeError(
            f"the runtime field {place} is of kind {hint}, but an execution property is an int, a float or a text: "
            "make the field structural, by leaving runtime() out"
        )
    return kinds[0], len(kinds) < len(members)
