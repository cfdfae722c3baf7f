"""What a job learns from: the features that it reads as targets, and its loss on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.examples import LABEL, STUDENT_LABEL, TEACHER_LOGITS
from limbeck.objectives.objective import Objective
from trainer.data.batches import Denominators
from trainer.distillation import losses
from trainer.job import Entry, TrainingJob

# (the output `[batch, outputs]`, targets by name, denominators) -> this replica's part of the loss, a float32 scalar.
Loss = Callable[[Any, dict[str, Any], Denominators], Any]


def label_key(entry: Entry) -> str:
    """The transformed feature that a job of this entry takes its labels from."""
    return LABEL if entry == "teacher" else STUDENT_LABEL


def target_spec(job: TrainingJob, objective: Objective) -> dict[str, Any]:
    """How to parse the targets of a job from a transformed example, as `tf.io.parse_example` takes it."""
    import tensorflow as tf

    spec = {label_key(job.entry): objective.label_spec()}
    if job.targets != "labels":
        # [teachers, outputs]: the data know how many teachers there were.
        spec[TEACHER_LOGITS] = tf.io.FixedLenSequenceFeature([objective.outputs], tf.float32, allow_missing=True)
    return spec


def loss_of(job: TrainingJob, objective: Objective) -> Loss:
    """The loss of a job, as `trainer.fitting.gradient_step.GradientStep` takes it."""
    key = label_key(job.entry)

    def from_labels(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        return losses.mean_part(objective.hard_loss(outputs, targets[key]), counts.labelled)

    def from_pseudo_labels(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        labels = objective.pseudo_labels(targets[TEACHER_LOGITS])
        return losses.mean_part(objective.hard_loss(outputs, labels), counts.examples)

    distillation = job.distillation
    if distillation is None:
        return from_labels if job.targets == "labels" else from_pseudo_labels

    def from_soft_targets(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        teachers = targets[TEACHER_LOGITS]
        return losses.distillation_loss(outputs, targets[key], teachers, distillation, counts, objective=objective)

    return from_soft_targets
