"""A training job inside one of its processes: build, fit each member, export.

Every process runs the same steps. Only the chief exports: it rebuilds each model outside the strategy and copies
the weights, because saving a distributed model makes the chief wait for peers that do not save.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer import cluster, events, farewell, strategies
from trainer.config import TrainingConfig, to_json
from trainer.errors import TaskError
from trainer.ingestion import Denominators, Order, PackedExamples, batches
from trainer.job import RankRecord, TrainingJob
from trainer.loop import Fitted, Loss, Progress, fit
from trainer.task import LABEL, STUDENT_LABEL, TEACHER_LOGITS, Task

_log = logging.getLogger(__name__)


def run(job: TrainingJob) -> None:
    """Runs `job` in this process, as the role that TF_CONFIG names.

    Raises:
      TaskError: where the task's model is not what `Task` asks for.
      TrainingFailedError: where training breaks down.
    """
    import tensorflow_transform as tft

    strategy = strategies.build(job.strategy)
    me = cluster.from_environment()
    task = job.task.load()
    transform = tft.TFTransformOutput(job.transform_graph_uri)
    plain, fitted = [], []
    for member in range(job.members):
        training = dataclasses.replace(job.training, seed=job.training.seed + member)
        model, result = _fit_member(job, training, strategy, task, transform, member)
        fitted.append(result)
        if me.is_chief:
            plain.append(_copy(model, job, task))
    if me.is_chief:
        _export(job, task, transform, plain, fitted)
    _write_record(job, me, fitted)
    farewell.leave_together(me)


def _fit_member(
    job: TrainingJob, training: TrainingConfig, strategy: Any, task: Task, transform: Any, member: int
) -> tuple[Any, Fitted]:
    import tf_keras

    order = _order(training, len(PackedExamples(Path(job.examples_uri))))
    # Initial weights come from Keras' global generator; every process must draw the same ones.
    tf_keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        model = _checked(_builder(job, task)(job.hyperparameters), task)
        schedule = tf_keras.optimizers.schedules.CosineDecay(training.learning_rate, order.steps)
        optimizer = tf_keras.optimizers.Adam(schedule)
    result = fit(
        strategy,
        model,
        optimizer,
        loss_of(job),
        lambda context: _dataset(job, order, task, transform, strategy, context),
        order.steps,
        lambda progress: _report(job, member, progress),
    )
    return model, result


def loss_of(job: TrainingJob) -> Loss:
    """The loss of a job, as `trainer.loop.fit` takes it."""
    from trainer.distillation.losses import distillation_loss, hard_loss, mean_part

    distillation = job.distillation
    if distillation is None:

        def from_labels(logits: Any, targets: dict[str, Any], counts: Denominators) -> Any:
            return mean_part(hard_loss(logits, targets[LABEL]), counts.labelled)

        return from_labels

    def from_soft_targets(logits: Any, targets: dict[str, Any], counts: Denominators) -> Any:
        labels, teacher_logits = targets[STUDENT_LABEL], targets[TEACHER_LOGITS]
        return distillation_loss(logits, labels, teacher_logits, distillation, counts)

    return from_soft_targets


def label_key(entry: str) -> str:
    """The transformed feature that a job of this entry takes its labels from."""
    return LABEL if entry == "teacher" else STUDENT_LABEL


def _dataset(
    job: TrainingJob, order: Order, task: Task, transform: Any, strategy: Any, context: Any
) -> Any:
    from trainer.export import model_input_spec

    local = strategy.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * local
    inputs, targets = model_input_spec(transform), _target_spec(job, task)
    dataset = batches(
        job.examples_uri,
        order,
        range(first, first + local),
        strategy.num_replicas_in_sync,
        inputs | targets,
    )
    augment = task.augment if job.entry == "teacher" else None

    def prepare(features: dict[str, Any], counts: Denominators, seeds: Any) -> tuple[Any, ...]:
        given = {name: features[name] for name in inputs}
        wanted = {name: features[name] for name in targets}
        return (augment(given, seeds) if augment else given), wanted, counts

    return dataset.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(8)


def _target_spec(job: TrainingJob, task: Task) -> dict[str, Any]:
    import tensorflow as tf

    spec = {label_key(job.entry): tf.io.FixedLenFeature([], tf.int64)}
    if job.entry == "student":
        # [teachers, classes]: the data know how many teachers there were.
        spec[TEACHER_LOGITS] = tf.io.FixedLenSequenceFeature(
            [len(task.label.classes)], tf.float32, allow_missing=True
        )
    return spec


def _order(training: TrainingConfig, examples: int) -> Order:
    return Order(examples, training.batch_size, training.epochs, training.seed)


def _builder(job: TrainingJob, task: Task) -> Callable[..., Any]:
    return task.build_teacher if job.entry == "teacher" else task.build_student


def _checked(model: Any, task: Task) -> Any:
    import tf_keras

    if not isinstance(model, tf_keras.Model):
        raise TaskError(f"task '{task.name}' must build a tf_keras model, but built a {type(model).__module__}")
    if model.output_shape[-1] != len(task.label.classes) or len(model.output_shape) != 2:  # noqa: PLR2004
        raise TaskError(
            f"a model of task '{task.name}' must end in logits [batch, {len(task.label.classes)}], "
            f"but ends in {model.output_shape}"
        )
    return model


def _copy(model: Any, job: TrainingJob, task: Task) -> Any:
    copy = _builder(job, task)(job.hyperparameters)
    copy.set_weights(model.get_weights())
    return copy


def _export(job: TrainingJob, task: Task, transform: Any, models: list[Any], fitted: list[Fitted]) -> None:
    from trainer import export

    events.emit("phase", what="export", entry=job.entry)
    export.save(models, task, transform, job.model_uri)
    history = {
        "parameters": export.count_parameters(models),
        "members": [[dataclasses.asdict(point) for point in one.curve] for one in fitted],
    }
    (Path(job.record_uri) / "history.json").write_text(json.dumps(history), encoding="utf-8")


def _write_record(job: TrainingJob, me: cluster.ClusterTask, fitted: list[Fitted]) -> None:
    record = RankRecord(
        role=me.role,
        rank=me.rank,
        steps=sum(one.steps for one in fitted),
        examples=sum(one.examples for one in fitted),
        seconds=sum(one.seconds for one in fitted),
    )
    (Path(job.record_uri) / f"rank-{me.rank}.json").write_text(to_json(record), encoding="utf-8")


def _report(job: TrainingJob, member: int, progress: Progress) -> None:
    if not cluster.from_environment().is_chief:
        return
    of = f" {member + 1}/{job.members}" if job.members > 1 else ""
    _log.info("%s%s step %d/%d loss %.4f", job.entry, of, progress.step, progress.steps, progress.loss)
    events.emit(
        "training", entry=job.entry, member=member, members=job.members, **dataclasses.asdict(progress)
    )
