"""Holds a trace of ours against one of KFP's. The words of errors may differ, and so may what is chance."""

from __future__ import annotations

from typing import Any

# KFP goes through a map: whether the log was registered before the other output failed is chance.
LOG_IS_CHANCE = ("metadata-null", "uri-elsewhere")
_LOG = "/executor-logs"


def differences(ours: Any, theirs: Any, name: str) -> list[str]:
    """Where two traces differ, one line each."""
    return _differences(_comparable(ours, name), _comparable(theirs, name), "")


def _comparable(runs: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found = []
    for run in runs:
        plain = {key: value for key, value in run.items() if key != "reason"}
        if "tasks" in plain:
            plain["tasks"] = [
                {key: value for key, value in task.items() if key != "errors"} for task in plain["tasks"]
            ]
        if name in LOG_IS_CHANCE:
            plain["artifacts"] = [each for each in plain["artifacts"] if _LOG not in each["uri"]]
        found.append(plain)
    return found


def _differences(ours: Any, theirs: Any, path: str) -> list[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        missing = [f"{path}.{key}: only in one of them" for key in sorted(ours.keys() ^ theirs.keys())]
        both = sorted(ours.keys() & theirs.keys())
        return missing + [each for key in both for each in _differences(ours[key], theirs[key], f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [each for index, (a, b) in pairs for each in _differences(a, b, f"{path}[{index}]")]
    same = ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)
    return [] if same else [f"{path}: ours {ours!r}, KFP's {theirs!r}"]
