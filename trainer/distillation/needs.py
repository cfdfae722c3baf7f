"""What a distillation needs of the task, apart from its kind of label."""

from __future__ import annotations

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


def needs_teacher(config: DistillationConfig, task: Task) -> bool:
    """Returns whether a training may call teachers: a run of a compiled pipeline may change weights, but not inputs."""
    return bool(task.hints) or config.inputs != "stored"
