"""Reads settings from YAML files and `--set`, and merges them: later sources override earlier ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from limbeck.errors import ConfigError
from limbeck.records import from_mapping
from limbeck.settings.config import Config


def load(layers: Sequence[Mapping[str, Any]]) -> Config:
    """Builds the whole tree from layers of nested mappings. A later layer overrides an earlier one.

    Raises:
      ConfigError: as `from_mapping` does.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer)
    return from_mapping(Config, merged)


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads one layer from a YAML file, with the safe loader.

    Raises:
      ConfigError: if the file cannot be read, is not YAML, or is not a mapping of sections.
    """
    try:
        loaded = _parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {path} is not YAML: {_told(error)}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path} must hold sections such as 'training:', but holds: {str(loaded)[:80]}")
    return cast("dict[str, Any]", loaded)


def parse_assignment(text: str) -> dict[str, Any]:
    """Turns `a.b=value` into `{"a": {"b": value}}`. The value is read as YAML.

    Raises:
      ConfigError: if the text has no `=` or no key, or if the value is not YAML.
    """
    key, equals, value = text.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"--set takes key=value, such as training.epochs=5, but received: {text!r}")
    try:
        layer = _parse_yaml(value)
    except yaml.YAMLError:
        raise ConfigError(f"the value of --set {key} is not YAML: {value!r}") from None
    for part in reversed(parts):
        layer = {part: layer}
    return cast("dict[str, Any]", layer)


def _told(error: Exception) -> str:
    """Returns what is wrong, and where, in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return str(error) if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: {problem}"


class _Loader(yaml.SafeLoader):
    """The safe loader of YAML, extended: it reads `1e-3` as a number. The stock loader reads it as a text."""

    yaml_implicit_resolvers = yaml.SafeLoader.yaml_implicit_resolvers | {
        first: [
            *yaml.SafeLoader.yaml_implicit_resolvers[first],
            ("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+\Z")),
        ]
        for first in "-+0123456789"
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuses a key that is given twice, of which the stock loader keeps the last one."""
        seen: set[tuple[str, str]] = set()
        # The stock loader refuses keys that are lists or mappings.
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key.value}' is given twice", key.start_mark
                )
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _parse_yaml(text: str) -> Any:
    return yaml.load(text, _Loader)  # noqa: S506, it is a safe loader


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
