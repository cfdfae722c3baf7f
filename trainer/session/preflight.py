"""Tries a job before its first step: builds the model and the optimizer, reads a batch, and traces one step.

Without this check, a mistake in a task would show at the first step at the earliest, in every process at once, and as a
traceback of TensorFlow. Here the chief finds it outside of any strategy, with a model that is then thrown away. It
calls the model once on the real first batch, and traces one training step without running it. A model in stages need
not fit the memory of the chief (`limbeck.trainer.session.tried_model`).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

from limbeck import events, task_code
from limbeck.aliases import Features, KerasModel, Tensor
from limbeck.counted import counted
from limbeck.errors import TaskError
from limbeck.examples import TEACHER_LOGITS
from limbeck.trainer.data.order import Order
from limbeck.trainer.distillation.targets import label_key
from limbeck.trainer.fitting import micro_batches, optimization, precision
from limbeck.trainer.fitting.step import Step
from limbeck.trainer.recovery import exactness
from limbeck.trainer.session import contract, initialisation, inputs, metrics, pipelined, tried_model
from limbeck.trainer.session.learner import learner_of
from limbeck.trainer.session.models import build_optimizer, input_types
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.stepping import step_of

_log = logging.getLogger(__name__)


def check(session: Session, order: Order) -> None:
    """Tries the job on the chief; does nothing in any other process.

    Emits a note if a checkpoint cannot hold the whole state of the training.

    A job of teachers also tries the student that will learn from them (`TrainingJob.planned_student`), with the loss of
    distillation. Otherwise a mistake in it would show only after the teachers are trained, perhaps hours later. For the
    same reason, a job of the control on hard labels tries the planned teacher (`TrainingJob.planned_teacher`).

    Raises:
      TaskError: if the task's code raises, or breaks a rule of `limbeck.trainer.session.contract`.
    """
    if not session.me.is_chief:
        return
    whole_batches = [] if session.job.most_steps else batch_remarks(order, session.who)
    for told in (*whole_batches, *_try(session, order, _first_batch(session, order))):
        events.note(told, _log.warning)
    planned = session.job.planned()
    if planned is None:
        return
    # The remarks on this model come when it is trained.
    trying = dataclasses.replace(session, job=planned)
    first = inputs.order_of(trying, 0)
    batch = _first_batch(trying, first)
    if planned.targets == "soft_targets":
        batch = _with_logits(trying, session.job.members, batch)
    _try(trying, first, batch)


def batch_remarks(order: Order, who: str) -> list[str]:
    """Returns a sentence if a batch is larger than the split, so that there are fewer steps than epochs."""
    if order.steps >= order.epochs:
        return []
    return [
        f"{who}: a batch holds {order.batch_size:,} examples, and the training split only {order.examples:,}, so "
        f"{order.epochs:,} epochs are no more than {counted(order.steps, 'step')}: lower "
        "training.batch_size, or the model hardly learns"
    ]


def _try(session: Session, order: Order, batch: tuple[Any, ...]) -> list[str]:
    """Calls the model of the job with a batch, and traces one step. Returns remarks for the user."""
    import tensorflow as tf

    task, training, entry = session.task, session.job.training, session.job.entry
    with precision.policy(training.precision), tried_model.place(session):
        tried = tried_model.tried(session)
        model = tried.model
        contract.assert_same_weights(model, tried.again(), session.who)
        learner = learner_of(session, model, trying=True)
        optimizer = build_optimizer(task, optimization.schedule(training, order.steps))
        loss_scale = precision.loss_scale(training, optimizer)
        who = f"the optimizer of task '{task.name}'"
        with task_code.guarded(f"{who} cannot hold the variables of its {entry}"), tried.slots():
            optimizer.build(learner.trainable_variables)
        initialisation.assert_initialisable(session, model)
        with task_code.guarded(f"{session.who} fails on the first batch"):
            outputs = tried.outputs(batch[0])
        if task.objective.activation == "softmax":
            contract.assert_no_probabilities(outputs.numpy(), session.who)
        metrics.assert_computable(session, outputs, batch[1][label_key(entry)])
        _assert_computes_nothing(session, order, tried.compute_nothing, batch[0])
        stages = pipelined.equal(session, model) if session.job.pipelining.is_on else None
        with tried.slots():
            step = step_of(session, tf.distribute.get_strategy(), learner, optimizer, loss_scale, stages=stages)
        with task_code.guarded(f"a training step of {session.who} fails"):
            graph = _traced(step, batch)
        _assert_repeatable(session, model, graph)
        told = [exactness.warning(model, optimizer, graph), _of_normalisation(session, model)]
        return [one for one in told if one is not None]


def _with_logits(session: Session, teachers: int, batch: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns a student's batch with logits `[batch, teachers, outputs]` of 0, because no teacher is trained yet."""
    import tensorflow as tf

    features, targets, counts = batch
    examples = tf.shape(targets[label_key(session.job.entry)])[0]
    logits = tf.zeros([examples, teachers, session.task.objective.outputs])
    return features, targets | {TEACHER_LOGITS: logits}, counts


def _first_batch(session: Session, order: Order) -> tuple[Any, ...]:
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    with task_code.guarded(f"augment of task '{session.task.name}' fails on the first batch", whole=False):
        dataset = inputs.last_replica(session, order).with_options(options)
        # Autograph would change the message of an exception in `augment`.
        contract.assert_kept(dataset.element_spec[0], input_types(session), session.task.name)
        features, targets, counts = next(iter(dataset))
    given = len(targets[label_key(session.job.entry)])
    contract.assert_examples_kept(features, given, session.task.name)
    return features, targets, counts


def _assert_computes_nothing(
    session: Session, order: Order, call: Callable[[Features], None], given: Features
) -> None:
    """Refuses a last batch with fewer examples than micro-batches if the model fails for an empty micro-batch.

    TensorFlow's convolutions on a CPU do.
    """
    pipelining = session.job.pipelining
    replicas = session.strategy.num_replicas_in_sync * pipelining.replicas
    left = len(order.global_batch(order.steps - 1))
    accumulate = session.job.training.accumulate * pipelining.micro_batches
    if left >= replicas * accumulate:
        return
    parts, remedy = "replicas", "training.batch_size or epochs"
    if accumulate > 1:
        parts = "micro-batches on all replicas"
        remedy = "training.accumulate, pipelining.micro_batches, training.batch_size or epochs"
    with task_code.guarded(
        f"{session.who} cannot be computed without any example, and the last "
        f"batch of its training has fewer examples than {parts}, {left} for {replicas * accumulate}: change {remedy}"
    ):
        call({name: _empty(values) for name, values in given.items()})


def _assert_repeatable(session: Session, model: KerasModel, graph: Any) -> None:
    """Refuses recomputation if layers of the model draw different random numbers in each call."""
    recompute = session.job.training.recompute
    layers = exactness.inexact_layers(model, graph) if recompute != "none" else ()
    if layers:
        raise TaskError(
            f"training.recompute={recompute} computes a layer twice for one gradient, and these layers of "
            f"{session.who} draw other random numbers each time: {', '.join(layers)}. Take "
            "limbeck.layers.dropout.Dropout, or training.recompute=none"
        )


def _of_normalisation(session: Session, model: KerasModel) -> str | None:
    """Returns a sentence on how accumulation changes a model with batch normalisation; None if it does not."""
    import tf_keras

    pipelining = session.job.pipelining
    settings = {
        "training.accumulate": session.job.training.accumulate,
        "pipelining.replicas": pipelining.replicas,
        "pipelining.micro_batches": pipelining.micro_batches,
    }
    layers = [layer.name for layer in model.submodules if isinstance(layer, tf_keras.layers.BatchNormalization)]
    if all(value == 1 for value in settings.values()) or not layers:
        return None
    named = " and ".join(f"{name}={value}" for name, value in settings.items() if value > 1)
    return (
        f"{session.who} has batch normalisation ({', '.join(layers)}). With {named} it "
        "normalises over each micro-batch, and updates its averages after each, so the result is not that of the whole "
        "batch: larger micro-batches differ less, and tf_keras.layers.LayerNormalization does not differ"
    )


def _empty(values: Tensor) -> Tensor:
    import tensorflow as tf

    nothing = tf.constant(0, tf.int64)
    return micro_batches.rows(values, nothing, nothing)


def _traced(step: Step, batch: tuple[Any, ...]) -> Any:
    """Traces one step, and returns its graph."""
    import tensorflow as tf

    return tf.function(lambda *given: step.run(given), autograph=False).get_concrete_function(*batch).graph
