"""Trains one member of a job, from its initial weights or its newest checkpoint to its last step."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trainer.distillation.targets import loss_of
from trainer.distribution import agreement, strategies
from trainer.fitting import optimization, precision
from trainer.fitting.gradient_step import GradientStep
from trainer.fitting.hooks import Hooks
from trainer.fitting.loop import fit
from trainer.fitting.progress import Fitted
from trainer.process import preemption
from trainer.recovery.resumption import Saved
from trainer.session import inputs, observation
from trainer.session.models import build_model, build_optimizer
from trainer.session.session import Session

Weights = list[npt.NDArray[np.generic]]


def train(session: Session, member: int) -> tuple[Weights, Fitted]:
    """Trains the member of this number; every process of the job must call it.

    Returns:
      The weights, as `model.get_weights()` gives them, and what this process did.

    Raises:
      TaskError: where the task builds no such model or optimizer.
      TrainingFailedError: where training breaks down, or a checkpoint cannot be written.
      PreemptedError: where a process of the job was asked to end; what was reached is saved.
    """
    import tf_keras

    job, strategy, training = session.job, session.strategy, session.job.training
    order = inputs.order_of(session, member)
    if member == 0:
        observation.warn_of_inexact_parts(session)
    # Initial weights come from Keras' global generator; every process must draw the same ones.
    tf_keras.utils.set_random_seed(training.seed + member)
    with precision.policy(training.precision):
        with strategies.scope(strategy):
            model = build_model(session)
            optimizer = build_optimizer(session.task, optimization.schedule(training, order.steps))
            loss_scale = precision.loss_scale(training, optimizer)
            # Before a checkpoint is looked for: a training that goes on is traced as one that begins.
            optimizer.build(model.trainable_variables)
        step = GradientStep(
            strategy, model, optimizer, loss_of(job, session.task.objective), training.clip_norm, loss_scale
        )
        saved = Saved(job, member, strategy, session.me.is_chief)
        start = saved.restore(model, optimizer, inputs.examples_until(session, order))
        any_process = agreement.any_process(strategy)
        with observation.observed(session, member, start) as report:
            result = fit(
                step,
                inputs.input_pipeline(session, order, start.steps),
                steps=order.steps,
                start=start,
                hooks=Hooks(
                    validation=inputs.validation(session, model, order),
                    report=report,
                    save=saved.hook(model, optimizer),
                    save_every=job.checkpoint.steps,
                    stop_requested=lambda: any_process(preemption.requested()),
                ),
                steps_per_call=training.steps_per_call,
            )
    # Every process reads: some weights are means over all replicas.
    return model.get_weights(), result
