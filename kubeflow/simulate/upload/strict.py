"""Parses JSON into a message as KFP does: by protobuf's JSON mapping, with an error for unknown fields.

The result is the same document in canonical form, as a driver gets it: names are in camel case, values that equal their
type's zero are left out, every number in a free value is a double, as in protobuf, and 64-bit whole numbers are texts,
as in protobuf's JSON.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from limbeck.errors import nearest
from limbeck.kubeflow.simulate.upload.fields import ENUMERATIONS, MESSAGES
from limbeck.kubeflow.simulate.upload.schema import Field

# From this value on, a number is written with an exponent.
_EXPONENT_FROM = 1e21
_SHOWN = 60
_WHOLE = {"int32": 31, "int64": 63}


class FieldError(Exception):
    """A value that protobuf's JSON mapping refuses."""


@dataclasses.dataclass(frozen=True)
class Parser:
    """Parses messages of one release.

    Attributes:
      minor: minor version of KFP 2.
      lenient: whether unknown fields are dropped instead of refused.
    """

    minor: int
    lenient: bool = False

    def message(self, kind: str, given: Any, path: str = "") -> dict[str, Any]:
        """Returns the canonical form of a message. Raises FieldError with the path of the wrong value."""
        if not isinstance(given, dict):
            raise FieldError(f"{path or kind}: expected an object, found {_told(given)}")
        message = MESSAGES[kind]
        parsed: dict[str, Any] = {}
        groups: dict[str, str] = {}
        for name, value in given.items():
            field = message.find(name, self.minor)
            place = f"{path}.{name}" if path else name
            if field is None:
                if self.lenient:
                    continue
                known = [each.name for each in message.fields]
                raise FieldError(f"unknown field {name!r} at {place}.{nearest(name, known)}")
            if value is None and field.kind != "Value":
                continue
            if field.name in parsed:
                raise FieldError(f"{place}: the field is there twice")
            if field.group and groups.setdefault(field.group, name) != name:
                raise FieldError(f"{place}: excludes {groups[field.group]!r}, which is set too")
            result = self._field(field, value, place)
            if field.explicit or not _zero(field, result):
                parsed[field.name] = result
        return parsed

    def _field(self, field: Field, value: Any, path: str) -> Any:
        if field.many == "list":
            if not isinstance(value, list):
                raise FieldError(f"{path}: expected a list, found {_told(value)}")
            return [self._value(field.kind, each, f"{path}[{index}]") for index, each in enumerate(value)]
        if field.many == "map":
            if not isinstance(value, dict):
                raise FieldError(f"{path}: expected an object, found {_told(value)}")
            return {key: self._value(field.kind, each, f"{path}.{key}") for key, each in value.items()}
        return self._value(field.kind, value, path)

    def _value(self, kind: str, value: Any, path: str) -> Any:
        if kind in MESSAGES:
            return self.message(kind, value, path)
        if kind in ENUMERATIONS:
            return _enumeration(kind, value, path, lenient=self.lenient)
        return _SCALARS[kind](value, path)


def free(value: Any, path: str = "") -> Any:
    """Returns a free value (Struct, Value) as protobuf holds it: each number a double, written without a fraction if
    it has none. Raises FieldError for NaN and infinities, which such a value cannot hold."""
    if isinstance(value, dict):
        return {str(key): free(each, f"{path}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [free(each, f"{path}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(float(value), path)
    return value


def number(value: float, path: str = "") -> int | float:
    """Returns a double as in JSON: no fraction if it is whole; beyond 2^53, zeros replace lost digits."""
    if not math.isfinite(value):
        raise FieldError(f"{path}: invalid value {value}")
    return int(Decimal(repr(value))) if value.is_integer() and abs(value) < _EXPONENT_FROM else value


def _struct(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise FieldError(f"{path}: expected an object, found {_told(value)}")
    return free(value, path)


def _plain(kind: type, value: Any, path: str) -> Any:
    if not isinstance(value, kind):
        raise FieldError(f"{path}: expected a {kind.__name__}, found {_told(value)}")
    return value


def _enumeration(kind: str, value: Any, path: str, *, lenient: bool) -> str:
    words = ENUMERATIONS[kind]
    if isinstance(value, str) and value in words:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(words):
        return words[value]
    if lenient:
        return words[0]
    raise FieldError(f"{path}: invalid value {value!r} for {kind}; it is one of {', '.join(words)}")


def _whole(value: Any, bits: int, path: str) -> int:
    text = value.strip() if isinstance(value, str) else value
    try:
        whole = int(float(text)) if isinstance(text, str) and not text.lstrip("-").isdigit() else int(text)
        exact = not isinstance(value, bool) and float(text) == float(whole) and -(2**bits) <= whole < 2**bits
    except (TypeError, ValueError, OverflowError):
        exact = False
    if not exact:
        raise FieldError(f"{path}: expected a whole number, found {_told(value)}")
    return whole


def _real(value: Any, path: str) -> int | float:
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        return number(float(value), path)
    except (TypeError, ValueError):
        raise FieldError(f"{path}: expected a number, found {_told(value)}") from None


def _duration(value: Any, path: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d{1,9})?s", value):
        raise FieldError(f"{path}: expected a duration such as '60s', found {_told(value)}")
    return value


def _zero(field: Field, value: Any) -> bool:
    if field.many:
        return not value
    if field.kind in ENUMERATIONS:
        return bool(value == ENUMERATIONS[field.kind][0])
    return (field.kind in ("string", "bool", "double", *_WHOLE) and not value) or (
        field.kind == "int64" and value == "0"
    )


def _told(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}"


_SCALARS: dict[str, Callable[[Any, str], Any]] = {
    "Value": free,
    "Struct": _struct,
    "Duration": _duration,
    "int32": lambda value, path: _whole(value, _WHOLE["int32"], path),
    "int64": lambda value, path: str(_whole(value, _WHOLE["int64"], path)),
    "double": _real,
    "bool": lambda value, path: _plain(bool, value, path),
    "string": lambda value, path: _plain(str, value, path),
}
