"""Says in words what changed between two schemas, so that a user who accepts a schema sees what he accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

_SHOWN = 5


def schema_difference(old: Any, new: Any) -> list[str]:
    """Compares two tensorflow_metadata `Schema`s, feature by feature.

    Returns:
      One sentence for each change of features, types, domains, presence and shape, sorted by feature. None if both
      schemas allow the same data.
    """
    before, after = ({feature.name: feature for feature in schema.feature} for schema in (old, new))
    found = []
    for name in sorted({*before, *after}):
        if name not in before:
            found.append(f"feature '{name}' added: {_type(after[name])}")
        elif name not in after:
            found.append(f"feature '{name}' removed")
        else:
            changes = _changes(old, before[name], new, after[name])
            found += [f"feature '{name}': {change}" for change in changes]
    return found


def _changes(old_schema: Any, old: Any, new_schema: Any, new: Any) -> Iterator[str]:
    if old.type != new.type:
        yield f"type changed from {_type(old)} to {_type(new)}"
    yield from _values(_domain(old_schema, old), _domain(new_schema, new))
    yield from _change("range", _range(old), _range(new))
    yield from _change("presence", _text(old.presence), _text(new.presence))
    yield from _change("shape", _shape(old), _shape(new))


def _change(what: str, old: str, new: str) -> Iterator[str]:
    if old != new:
        yield f"{what} changed from {old} to {new}"


def _values(old: Collection[str] | None, new: Collection[str] | None) -> Iterator[str]:
    if old is not None and new is not None:
        if added := sorted({*new} - {*old}):
            yield f"values added: {_listing(added)}"
        if removed := sorted({*old} - {*new}):
            yield f"values removed: {_listing(removed)}"
    elif old is not None:
        yield f"no longer limited to {len(old)} values"
    elif new is not None:
        yield f"now limited to {len(new)} values: {_listing(sorted(new))}"


def _domain(schema: Any, feature: Any) -> Collection[str] | None:
    """Returns the texts that a feature may hold; None if it may hold any text."""
    kind = feature.WhichOneof("domain_info")
    if kind == "string_domain":
        return list(feature.string_domain.value)
    if kind == "domain":
        return next((list(one.value) for one in schema.string_domain if one.name == feature.domain), None)
    return None


def _range(feature: Any) -> str:
    kind = feature.WhichOneof("domain_info")
    if kind in (None, "domain", "string_domain"):
        return "any"
    return f"{kind} {_text(getattr(feature, kind))}"


def _shape(feature: Any) -> str:
    kind = feature.WhichOneof("shape_type")
    return f"{kind} {_text(getattr(feature, kind))}" if kind else "any"


def _type(feature: Any) -> str:
    from tensorflow_metadata.proto.v0 import schema_pb2

    return str(schema_pb2.FeatureType.Name(feature.type))


def _text(message: Any) -> str:
    from google.protobuf import text_format

    return f"({text_format.MessageToString(message, as_one_line=True)})"


def _listing(values: list[str]) -> str:
    shown = ", ".join(f"'{value}'" for value in values[:_SHOWN])
    return f"{shown} and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown
