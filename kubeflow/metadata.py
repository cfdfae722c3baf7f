"""Converts metadata of artifacts: from KFP's form on the way in, and into values that KFP accepts on the way out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from limbeck.kubeflow.places import uri_of

Metadata = dict[str, Any]
# Of KFP's own; an executor that copied them to its outputs would overwrite theirs.
_OF_KFP = frozenset({"display_name", "store_session_info"})
# What protobuf's JSON makes of numbers that JSON has none for, TFX's output file among it.
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
# Written to every output by TFX; KFP's UI would draw it as one of the metrics of `system.Metrics`.
_NOT_DRAWN = frozenset({"tfx_version"})


def received(metadata: Mapping[str, Any]) -> Metadata:
    """Metadata as whoever wrote them meant them: lists and structures unwrapped, KFP's own left out."""
    return {key: _unwrapped(value) for key, value in metadata.items() if key not in _OF_KFP}


def _unwrapped(value: Any) -> Any:
    # {"list": [...]} and {"struct": {...}} are how KFP reads them back from ML Metadata.
    if isinstance(value, dict) and len(value) == 1:
        [(kind, content)] = value.items()
        if (kind == "list" and isinstance(content, list)) or (kind == "struct" and isinstance(content, dict)):
            return content
    return value


def written(
    metadata: Mapping[str, Any], title: str, uris: Mapping[str, str], names: Mapping[float, str]
) -> Metadata:
    """Metadata as KFP's launcher takes them, with what means something outside of this container.

    Args:
      metadata: of an output, as the executor left them.
      title: of the output's type.
      uris: of the artifacts of this execution, by local path: a path of this pod means nothing elsewhere.
      names: of the artifacts of this execution, by the number that TFX makes of a name: JSON carries it as
        a double, which has lost its last digits.

    Returns:
      Metadata without null, NaN and infinity, for which KFP fails the task after its work.
    """
    left_out = _NOT_DRAWN if title.startswith("system.") else frozenset()
    kept = {key: value for key, value in metadata.items() if key not in left_out}
    return {key: _outside(value, uris, names) for key, value in kept.items() if _takes(value)}


def _outside(value: Any, uris: Mapping[str, str], names: Mapping[float, str]) -> Any:
    if isinstance(value, str):
        return uri_of(value, uris)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return names.get(float(value), value)
    if isinstance(value, list):
        return [_outside(one, uris, names) for one in value if _takes(one)]
    if isinstance(value, dict):
        return {key: _outside(one, uris, names) for key, one in value.items() if _takes(one)}
    return value


def _takes(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is not None and not (isinstance(value, str) and value in _NO_NUMBERS)
