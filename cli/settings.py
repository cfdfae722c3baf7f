"""From what was typed to a task and its whole configuration, without importing either's code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limbeck.reference import TaskRef
from limbeck.settings import sources
from limbeck.settings.config import Config

TASK_SETTINGS = "config.yaml"


def load(ref: TaskRef, file: Path | None, assignments: Sequence[str]) -> Config:
    """Lays the user's settings over the task's, and these over the defaults.

    Args:
      ref: a task; a `config.yaml` beside it holds its settings.
      file: the user's YAML file.
      assignments: `key=value` texts, which override the file.

    Raises:
      ConfigError: where a layer cannot be read, or the result breaks a rule.
    """
    layers: list[dict[str, Any]] = []
    folder = ref.folder()
    if folder is not None and (folder / TASK_SETTINGS).is_file():
        layers.append(sources.read_yaml(folder / TASK_SETTINGS))
    if file is not None:
        layers.append(sources.read_yaml(file))
    layers += [sources.parse_assignment(text) for text in assignments]
    return sources.load(layers)
