"""The required and the preferred nodes of a pod: terms of the platform document, or of a parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.kubeflow.simulate.driver.options import NullParameterError

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def node_affinity(entries: list[dict[str, Any]], value: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Returns the affinity of a pod. A term with a weight is a preference.

    Args:
      entries: entries of the platform document.
      value: returns the value of an input parameter.
    """
    required: list[Any] = []
    preferred: list[Any] = []
    for entry in entries:
        if "nodeAffinityJson" in entry:
            try:
                given = value(entry["nodeAffinityJson"])
            except NullParameterError:
                continue
            required += given.get(_REQUIRED, {}).get("nodeSelectorTerms", [])
            preferred += given.get(_PREFERRED, [])
            continue
        term = {key: entry[key] for key in ("matchExpressions", "matchFields") if entry.get(key)}
        if term and "weight" in entry:
            preferred.append({"weight": entry["weight"], "preference": term})
        elif term:
            required.append(term)
    found: dict[str, Any] = {}
    if required:
        found[_REQUIRED] = {"nodeSelectorTerms": required}
    if preferred:
        found[_PREFERRED] = preferred
    return found
