"""What a distillation needs of the task, apart from its kind of label."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.errors import ConfigError
from limbeck.settings.distillation import DistillationConfig
from limbeck.task import Task
from limbeck.trainer.distillation.transfer.registry import of_layers


def assert_supported(config: DistillationConfig, task: Task) -> None:
    """Raises ConfigError if layers are compared that the task does not name, or if it lacks the augmentation."""
    names = of_layers(config)
    if names and not task.hints:
        raise ConfigError(
            f"distillation.{names[0]}_weight compares layers, but task '{task.name}' does not say which: give it "
            "hints=((layer of the teacher, layer of the student), ...), or set the weight to 0"
        )
    if config.inputs == "augmented" and task.augment is None:
        raise ConfigError(
            f"distillation.inputs=augmented takes the task's augment, and task '{task.name}' has none: give it one, or "
            "set distillation.inputs=stored"
        )


def assert_generations(config: DistillationConfig) -> None:
    """Raises ConfigError if students are to follow each other, and cannot learn from the one before."""
    assert_no_layers(config)
    if config.generations > 1 and not config.reads_teachers:
        raise ConfigError(
            f"distillation.generations={config.generations} has each student learn from the one before, and "
            "distillation.alpha=0 learns from labels alone: set another alpha, or distillation.generations=1"
        )


def assert_no_layers(config: DistillationConfig) -> None:
    """Raises ConfigError if students are to follow each other, and layers are compared that a student has not."""
    names = of_layers(config)
    if config.generations > 1 and names:
        raise ConfigError(
            f"distillation.generations={config.generations} has students that are taught by a student, and "
            f"distillation.{names[0]}_weight compares layers of the teacher that the task names: set the weight to 0, "
            "or distillation.generations=1"
        )


def needs_teacher(config: DistillationConfig, task: Task) -> bool:
    """Returns whether a training may call teachers: a run of a compiled pipeline may change weights, but not inputs."""
    return bool(task.hints) or config.inputs != "stored"


def without_teachers(config: DistillationConfig) -> DistillationConfig:
    """Returns what is left of a distillation if only stored soft targets are there.

    There are no layers, no new inputs, and no predecessor.
    Stored soft targets are those of the examples as they are, so they are wrong for any other input. If nothing else
    has a weight, the soft targets get 1.
    """
    names = of_layers(config)
    changes: dict[str, Any] = {f"{name}_weight": 0.0 for name in names}
    if set(names) >= set(config.weights):
        changes["soft_target_weight"] = 1.0
    return dataclasses.replace(config, inputs="stored", generations=1, **changes)
