"""Chooses the targets of a job: the features that it reads as targets, and the loss on them.

Teachers, students on soft targets, students on labels and students on pseudo-labels differ only in their targets. With
a flag in the step, each kind of step would repeat the choice. Here the choice is made once, and the step gets a
function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from limbeck.examples import LABEL, SOFT_TARGETS, STUDENT_LABEL, TEACHER_LOGITS
from limbeck.objectives.objective import Objective
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation import losses
from limbeck.trainer.distillation.needs import assert_no_layers
from limbeck.trainer.distillation.stored.form import form_of
from limbeck.trainer.distillation.stored.tensors import restored, unpacked
from limbeck.trainer.distillation.transfer.kind import Observed
from limbeck.trainer.distillation.transfer.registry import assert_applicable
from limbeck.trainer.job import Entry, TrainingJob

# A function of the outputs `[batch, outputs]` (or an `Observed` if layers are compared), the targets by name and the
# denominators. It returns this replica's part of the loss, a float32 scalar.
Loss = Callable[[Any, dict[str, Any], Denominators], Any]


def label_key(entry: Entry) -> str:
    """Returns the name of the transformed feature that holds the labels of a teacher or a student."""
    return LABEL if entry == "teacher" else STUDENT_LABEL


def target_spec(job: TrainingJob, objective: Objective) -> dict[str, Any]:
    """Returns the feature spec of a job's targets, for `tf.io.parse_example` on transformed examples."""
    stored = TEACHER_LOGITS if form_of(job.labelling, objective).plain else SOFT_TARGETS
    names = {label_key(job.entry)} | (set() if job.targets == "labels" else {stored})
    return {name: spec for name, spec in all_targets(objective).items() if name in names}


def all_targets(objective: Objective) -> dict[str, Any]:
    """Returns the feature spec of the targets of any job, because a job may first try the model of another job."""
    import tensorflow as tf

    label = objective.label_spec()
    # The shape is [teachers, outputs]. The number of teachers is known only from the data.
    logits = tf.io.FixedLenSequenceFeature([objective.outputs], tf.float32, allow_missing=True)
    words = tf.io.FixedLenSequenceFeature([], tf.int64, allow_missing=True)
    return {LABEL: label, STUDENT_LABEL: label, TEACHER_LOGITS: logits, SOFT_TARGETS: words}


def loss_of(job: TrainingJob, objective: Objective) -> Loss:
    """Returns the loss of a job, as `limbeck.trainer.fitting.gradient_step.GradientStep` takes it.

    Raises:
      ConfigError: if the job's distillation makes no sense for the objective, or for the stored soft targets.
    """
    key, form = label_key(job.entry), form_of(job.labelling, objective)

    def taught(targets: dict[str, Any]) -> Any:
        # If a teacher answers at each step, or if a model is tried before there is a teacher, all logits are there.
        return targets[TEACHER_LOGITS] if TEACHER_LOGITS in targets else unpacked(targets[SOFT_TARGETS], form)

    def from_labels(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        return losses.mean_part(objective.hard_loss(outputs, targets[key]), counts.labelled)

    def from_pseudo_labels(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        labels = objective.pseudo_labels(restored(taught(targets)))
        return losses.mean_part(objective.hard_loss(outputs, labels), counts.examples)

    distillation = job.distillation
    if distillation is None:
        return from_labels if job.targets == "labels" else from_pseudo_labels

    assert_applicable(distillation, objective, job.labelling)
    assert_no_layers(distillation)

    def from_soft_targets(outputs: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        seen = outputs if isinstance(outputs, Observed) else Observed(outputs)
        teachers = taught(targets) if seen.teacher_outputs is None else seen.teacher_outputs
        return losses.distillation_loss(
            seen.logits, targets[key], teachers, distillation, counts, objective=objective, layers=seen.layers
        )

    return from_soft_targets
