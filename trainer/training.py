"""A training job inside one of its processes: join the others, train each member, export, leave.

Every process runs the same steps; only the chief exports. The parts are in `trainer.session`.
"""

from __future__ import annotations

from typing import Any

from limbeck.errors import TaskError
from limbeck.examples import LABEL, STUDENT_LABEL, TEACHER_LOGITS
from limbeck.task import Task
from trainer.data.batches import Denominators
from trainer.distribution import cluster, farewell, rendezvous, strategies
from trainer.fitting.gradient_step import Loss
from trainer.job import Entry, TrainingJob
from trainer.process import heartbeat, preemption
from trainer.recovery import job_digest
from trainer.session import finish, member
from trainer.session.session import Session

_RANK = 2


def run(job: TrainingJob) -> None:
    """Runs `job` in this process, as the role that TF_CONFIG names.

    Raises:
      TaskError: where the task's model is not what `Task` asks for.
      UserError: where the processes of the job do not run the same.
      TrainingFailedError: where training breaks down, or a checkpoint cannot be written.
      PreemptedError: where a process of the job was asked to end; what was reached is saved.
    """
    session = join(job)
    models, fitted = [], []
    for number in range(job.members):
        weights, result = member.train(session, number)
        fitted.append(result)
        if session.me.is_chief:
            models.append(finish.plain_copy(session, weights))
    if session.me.is_chief:
        finish.export(session, models, fitted)
    finish.write_record(session, fitted)
    farewell.leave_together(session.me)


def join(job: TrainingJob) -> Session:
    """Joins the other processes of the job, makes sure that all are about to do the same, and loads the task."""
    import tensorflow_transform as tft

    me = cluster.from_environment()
    # The strategy comes first: it must find the TensorFlow of this process unused.
    with heartbeat.silence(heartbeat.JOINING_SECONDS):
        strategy = strategies.build(job.strategy)
    preemption.listen()
    if me.processes > 1:
        # A digest of this process' own making: what it was handed would be the same in all of them.
        rendezvous.meet(me, rendezvous.identity_of(job_digest.digest(job)))
    task = job.task.load()
    return Session(
        job=job,
        me=me,
        strategy=strategy,
        task=task,
        transform=tft.TFTransformOutput(job.transform_graph_uri),
        loss=loss_of(job),
        label_key=label_key(job.entry),
        checked=lambda model: checked(model, task),
    )


def loss_of(job: TrainingJob) -> Loss:
    """The loss of a job, as `trainer.fitting.loop.fit` takes it."""
    from trainer.distillation import losses

    key = label_key(job.entry)

    def from_labels(logits: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        return losses.mean_part(losses.hard_loss(logits, targets[key]), counts.labelled)

    def from_pseudo_labels(logits: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        labels = losses.pseudo_labels(targets[TEACHER_LOGITS])
        return losses.mean_part(losses.hard_loss(logits, labels), counts.examples)

    distillation = job.distillation
    if distillation is None:
        return from_labels if job.targets == "labels" else from_pseudo_labels

    def from_soft_targets(logits: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        return losses.distillation_loss(logits, targets[key], targets[TEACHER_LOGITS], distillation, counts)

    return from_soft_targets


def label_key(entry: Entry) -> str:
    """The transformed feature that a job of this entry takes its labels from."""
    return LABEL if entry == "teacher" else STUDENT_LABEL


def checked(model: Any, task: Task) -> Any:
    """Returns `model` where it is a tf_keras model that ends in logits; otherwise raises TaskError."""
    import tf_keras

    if not isinstance(model, tf_keras.Model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TaskError(f"task '{task.name}' must build a tf_keras.Model, but built a {kind}")
    classes = len(task.label.classes)
    if len(model.output_shape) != _RANK or model.output_shape[-1] != classes:
        raise TaskError(
            f"a model of task '{task.name}' must end in logits [batch, {classes}], "
            f"but ends in {model.output_shape}"
        )
    return model
