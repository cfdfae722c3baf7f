"""Labels and annotations of a task's pod, which reach the shared template as numbered parameters."""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.workflow.placeholders import given

_KINDS = ("annotation", "label")


def prefix(metadata: dict[str, Any] | None) -> str:
    """Returns the beginning of the names of the templates for tasks with these numbers of labels and annotations."""
    if metadata is None:
        return ""
    counts = "-".join(str(len(metadata.get(f"{kind}s", {}))) for kind in _KINDS)
    return f"metadata-{counts}-"


def arguments(metadata: dict[str, Any] | None) -> list[dict[str, str]]:
    """Returns the parameters, with the values of a task."""
    values: list[dict[str, str]] = []
    for kind in _KINDS:
        entries = sorted((metadata or {}).get(f"{kind}s", {}).items())
        for (key, value), (key_name, value_name) in zip(entries, _names(kind, len(entries)), strict=True):
            values += [{"name": key_name, "value": key}, {"name": value_name, "value": value}]
    return values


def entries(metadata: dict[str, Any] | None, kind: str) -> dict[str, str]:
    """Returns the labels or annotations of the template, which read the parameters."""
    count = len((metadata or {}).get(f"{kind}s", {}))
    return {given(key): given(value) for key, value in _names(kind, count)}


def _names(kind: str, count: int) -> list[tuple[str, str]]:
    numbers = [""] if count == 1 else [f"-{index + 1}" for index in range(count)]
    return [(f"pod-metadata-{kind}-key{number}", f"pod-metadata-{kind}-val{number}") for number in numbers]
