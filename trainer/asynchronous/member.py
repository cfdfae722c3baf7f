"""Trains one member of the ensemble with workers that do not wait for each other. Only the chief runs this code.

Steps are scheduled a window at a time. Between two windows every worker is idle, so a checkpoint holds the variables
after a known number of steps. If a worker is lost, the other workers do its steps, and a step may be applied twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from limbeck import events, task_code
from limbeck.aliases import KerasModel, Tensor
from limbeck.errors import DivergedError
from limbeck.trainer.asynchronous import shards
from limbeck.trainer.fitting import optimization
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.progress import Curve, Fitted, TrainingProgress
from limbeck.trainer.process import position, preemption
from limbeck.trainer.process.preemption import PreemptedError
from limbeck.trainer.recovery import checkpoint, model_state
from limbeck.trainer.recovery.resumption import Saved
from limbeck.trainer.session import initialisation, inputs, observation
from limbeck.trainer.session.learner import learner_of
from limbeck.trainer.session.models import build_model, build_optimizer
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.stepping import step_of

# Between two windows all workers wait for the slowest. A longer window loses more steps if a server is lost.
_WINDOW = 100


def train(
    session: Session, member: int, then: Callable[[KerasModel], None] | None = None
) -> tuple[list[Any], Fitted]:
    """Trains one member, as `limbeck.trainer.session.member.train` does, but asynchronously."""
    job, strategy, training = session.job, session.strategy, session.job.training
    order = inputs.order_of(session, member)
    steps = inputs.last_step(session, order)
    tf_keras.utils.set_random_seed(training.seed + member)
    first_weights = initialisation.initial_weights(session)
    tf_keras.utils.set_random_seed(training.seed + member)
    plain = build_model(session)
    if first_weights is not None:
        plain.set_weights(first_weights)
    with strategy.scope():
        model = build_model(session)
        model.set_weights(shards.cut(plain.get_weights(), [one.shape for one in model.get_weights()]))
        learner = learner_of(session, model)
        optimizer = build_optimizer(session.task, optimization.schedule(training, order.steps))
        optimizer.build(learner.trainable_variables)
    saved = Saved(job, member, strategy, is_chief=True)
    so_far = _restored(session, member, learner, optimizer)
    position.note(member, so_far.steps)
    source, prepare = inputs.batch_source(session, order)
    step = step_of(session, strategy, learner, optimizer, None)
    run = tf.autograph.experimental.do_not_convert(step.run)

    @tf.function(input_signature=source.signature())
    def update(*batch: Tensor) -> tuple[Tensor, ...]:
        found = run(prepare(*source.parsed(batch)))
        return found.loss, found.learning_rate, found.gradient_norm, found.sound, found.examples

    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    hooks = Hooks(save=saved.hook(learner, optimizer), save_every=job.checkpoint.steps)
    began, before = time.monotonic(), so_far
    with (
        observation.observed(session, member, so_far) as report,
        task_code.guarded(f"training {session.who} fails", whole=False),
    ):
        while so_far.steps < steps:
            until = int(min(so_far.steps + _WINDOW, steps, hooks.next_save(so_far.steps)))
            window = range(so_far.steps, until)
            scheduled = [coordinator.schedule(update, args=tuple(source.batch(number))) for number in window]
            coordinator.join()
            figures = np.array([[float(one) for one in coordinator.fetch(result)] for result in scheduled])
            progress = _progress(figures, until, steps)
            seconds = before.seconds + time.monotonic() - began
            so_far = Fitted(
                until,
                so_far.examples + int(figures[:, 4].sum()),
                seconds,
                so_far.curve.plus(progress),
                so_far.streak,
            )
            position.note(member, until)
            if report is not None:
                report(progress)
            stop = preemption.requested()
            if hooks.save and (stop or until == steps or not until % job.checkpoint.steps):
                hooks.save(so_far)
            if stop:
                raise PreemptedError(f"asked to end at step {until} of {steps}")
    with strategy.scope():
        optimizer.finalize_variable_values(learner.trainable_variables)
    plain.set_weights(shards.whole(model.get_weights(), [one.shape for one in plain.get_weights()]))
    if then is not None:
        then(plain)
    return plain.get_weights(), so_far


def _restored(session: Session, member: int, learner: Any, optimizer: Any) -> Fitted:
    job = session.job
    state = checkpoint.latest(checkpoint.folder_of(job.checkpoint_uri, member)) if job.checkpoint_uri else None
    if state is None:
        return Fitted()
    model_state.restore(learner, optimizer, state.arrays)
    events.emit("resumed", entry=job.entry, member=member, step=state.step)
    return Fitted(state.step, state.examples, state.seconds, Curve(state.curve), state.streak)


def _progress(figures: Any, until: int, steps: int) -> TrainingProgress:
    """Returns the progress of a window. A row is loss, learning rate, gradient norm, soundness and examples."""
    loss, rate, norm = float(figures[:, 0].mean()), float(figures[-1, 1]), float(figures[-1, 2])
    if not figures[:, 3].all():
        raise DivergedError(
            f"training broke down between step {until - len(figures)} and {until} of {steps}: a loss or gradient is "
            "not finite. Lower training.learning_rate, set training.clip_norm, or look for extreme values in the "
            "model's inputs"
        )
    return TrainingProgress(
        until, steps, loss, rate if math.isfinite(rate) else None, norm if math.isfinite(norm) else None
    )
