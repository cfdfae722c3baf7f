"""Frozen dataclasses <-> JSON, for values that cross between processes or are kept in files.

A dictionary of strings accepts every misspelling, and fails an hour later on another machine. Here an unknown key, or
a value out of range, is an error at once. The error names the key, the value and the nearest known key.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic
from pydantic import ConfigDict, TypeAdapter

from limbeck.errors import ConfigError, nearest

_Record = TypeVar("_Record")

# What a value must be, by pydantic's name of the error. Its own words name types of Python.
_RULES = {
    "int_type": "Input should be a whole number, without a unit",
    "float_type": "Input should be a number, without a unit",
    "bool_type": "Input should be true or false",
    "string_type": "Input should be a text; put it in quotes if it looks like a number",
    "tuple_type": "Input should be a list, such as [1, 2]",
    "too_short": "Input should be a list that is not empty",
    "dataclass_type": "Input should be a section with keys of its own, and not one value",
}


STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def from_mapping(cls: type[_Record], values: Mapping[str, Any], prefix: str = "") -> _Record:
    """Makes a dataclass from plain values.

    Args:
      cls: a frozen dataclass with the configuration `STRICT`, such as `Config` or one of its sections.
      values: nested mappings of plain values, as read from YAML or JSON.
      prefix: dotted place of `cls` in the whole tree, for messages.

    Raises:
      ConfigError: if a key is unknown or missing, or a value has the wrong type or is out of range.
    """
    try:
        # JSON, because pydantic's strict mode does not accept a Python mapping for a dataclass.
        text = json.dumps(values, default=str)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the configuration holds a value that JSON cannot represent: {error}") from None
    try:
        return TypeAdapter(cls).validate_json(text)
    except pydantic.ValidationError as error:
        raise ConfigError(_explain(cls, error, prefix)) from None


def to_json(value: Any) -> str:
    """Returns a dataclass (also one with dataclasses in it) as JSON with sorted keys."""
    return json.dumps(TypeAdapter(type(value)).dump_python(value, mode="json"), sort_keys=True)


def from_json(cls: type[_Record], text: str) -> _Record:
    """Reads what `to_json` wrote. Raises ConfigError as `from_mapping` does, and if `text` is not JSON."""
    try:
        return from_mapping(cls, json.loads(text))
    except json.JSONDecodeError:
        raise ConfigError(f"expected JSON for {cls.__name__}, received: {text[:80]!r}") from None


def _explain(cls: type[Any], error: pydantic.ValidationError, prefix: str) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    message = _RULES.get(first["type"], first["msg"])
    if path[-1:] == ["bool"]:
        # A `Scalar` allows several types, and pydantic reports an error for each. This is the first one.
        path, message = path[:-1], "Input should be a boolean, a number or a text"
    if path[-1:] == ["[key]"]:
        # The key of a mapping, which stands before it in the path.
        path = path[:-1]
    place = ".".join([prefix, *path] if prefix else path)
    if first["type"] == "unexpected_keyword_argument":
        known = _known_keys(cls, path[:-1])
        section, _, key = path[-1].partition(".")
        if key and section in known:
            return f"unknown configuration key '{place}': in a file, write '{key}' below '{section}', indented"
        return f"unknown configuration key '{place}'.{nearest(path[-1], known)} Known here: {', '.join(known)}"
    return f"configuration key '{place}': {message}; received {first['input']!r}"


def _known_keys(cls: type[Any], path: list[str]) -> list[str]:
    here: Any = cls
    for part in path:
        if dataclasses.is_dataclass(here):
            here = _present(typing.get_type_hints(here)[part])
        else:
            # The values of a mapping, or the elements of a sequence.
            here = next(kind for kind in reversed(typing.get_args(here)) if kind is not Ellipsis)
    return [f.name for f in dataclasses.fields(here)]


def _present(hint: Any) -> Any:
    """The type of a value that is there: `T` of `T | None`."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next(kind for kind in typing.get_args(hint) if kind is not type(None))
    return hint
