"""Converts properties of executions and metadata of artifacts into values of ML Metadata, with KFP's losses."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format, struct_pb2

from limbeck.kubeflow.simulate.upload.strict import free


def set_property(target: Any, value: Any) -> None:
    """Sets an MLMD value from a text, a whole number or a mapping."""
    if isinstance(value, dict):
        json_format.ParseDict(value, target.struct_value)
        target.struct_value.SetInParent()
    elif isinstance(value, int):
        target.int_value = value
    else:
        target.string_value = value


def get_property(value: Any) -> Any:
    """Returns an MLMD value as JSON."""
    kind = value.WhichOneof("value")
    if kind == "struct_value":
        return free(json_format.MessageToDict(value.struct_value))
    return getattr(value, kind)


def metadata_value(target: Any, value: Any) -> None:
    """Sets a custom property from a free value: a bool becomes a whole number, lists and mappings are wrapped.

    Raises:
      ValueError: for null, which MLMD cannot hold.
    """
    if value is None:
        raise ValueError("null, which ML Metadata cannot hold: leave the key out")
    if isinstance(value, bool):
        target.int_value = int(value)
    elif isinstance(value, (int, float)):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    else:
        struct = struct_pb2.Struct()
        json_format.ParseDict({"list" if isinstance(value, list) else "struct": value}, struct)
        target.struct_value.CopyFrom(struct)
