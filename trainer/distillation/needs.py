"""What a distillation needs of the task, apart from its kind of label."""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.errors import ConfigError
from limbeck.settings.distillation import DistillationConfig
from limbeck.task import Task
from limbeck.trainer.distillation.transfer.registry import of_layers


def assert_supported(config: DistillationConfig, task: Task) -> None:
    """Raises ConfigError if the distillation compares layers or augments inputs, and the task does not say how."""
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
    """Raises ConfigError if there are several generations, and a student cannot learn from its predecessor."""
    assert_no_layers(config)
    if config.generations > 1 and not config.reads_teachers:
        raise ConfigError(
            f"distillation.generations={config.generations} has each student learn from the one before, and "
            "distillation.alpha=0 learns from labels alone: set another alpha, or distillation.generations=1"
        )


def assert_no_layers(config: DistillationConfig) -> None:
    """Raises ConfigError if there are several generations, and layers are compared that a student does not have."""
    names = of_layers(config)
    if config.generations > 1 and names:
        raise ConfigError(
            f"distillation.generations={config.generations} has students that are taught by a student, and "
            f"distillation.{names[0]}_weight compares layers of the teacher that the task names: set the weight to 0, "
            "or distillation.generations=1"
        )


def needs_teacher(config: DistillationConfig, task: Task) -> bool:
    """Returns whether a training may call teachers. A run of a compiled pipeline may change weights, but not inputs."""
    return bool(task.hints) or config.inputs != "stored"


def without_teachers(config: DistillationConfig) -> DistillationConfig:
    """Returns the settings of a distillation without the parts that need more than stored soft targets.

    It has no layers, no new inputs, and no predecessor. Stored soft targets belong to the original examples, so they
    are wrong for any other input. If no other term has a weight, the soft targets get the weight 1.
    """
    names = of_layers(config)
    changes: dict[str, Any] = {f"{name}_weight": 0.0 for name in names}
    if set(names) >= set(config.weights):
        changes["soft_target_weight"] = 1.0
    return dataclasses.replace(config, inputs="stored", generations=1, **changes)
