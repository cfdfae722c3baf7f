"""Finds a task and its whole configuration from what the user typed, without importing the task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.reference import TaskRef
from limbeck.settings import sources
from limbeck.settings.config import Config

TASK_SETTINGS = "config.yaml"


def task_settings(ref: TaskRef) -> Path | None:
    """Returns the file of a task's own settings, which need not exist; None if there is no such task.

    For a task that is a package, it is `config.yaml` in its folder. A task of one file does not own its folder, and a
    `config.yaml` there may belong to something else. So its settings are in a file of its own name: `my_task.yaml`.
    """
    file = ref.file()
    if file is None:
        return None
    return file.with_name(TASK_SETTINGS) if file.name == "__init__.py" else file.with_suffix(".yaml")


def load(ref: TaskRef, file: Path | None, assignments: Sequence[str]) -> Config:
    """Returns the configuration: the user's settings override the task's, which override the defaults.

    Args:
      ref: a task; `task_settings` says which file holds its settings.
      file: the user's YAML file.
      assignments: `key=value` texts, which override the file.

    Raises:
      ConfigError: if a layer cannot be read, or the result breaks a rule.
    """
    layers: list[dict[str, Any]] = []
    own = task_settings(ref)
    if own is not None and own.is_file():
        layers.append(sources.read_yaml(own))
    if file is not None:
        layers.append(sources.read_yaml(file))
    layers += [sources.parse_assignment(text) for text in assignments]
    return sources.load(layers)
