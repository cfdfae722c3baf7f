"""Trains a student further with a compression technique, and with the loss of its distillation.

`Model.fit` would need another loss, another order of the examples and another clipping. Here the step and the loop are
the same as in every training, so the student also learns from soft targets now. Only `training.accumulate` and
`training.recompute` are not used, because the wrapper of a pruned layer counts each call of the layer as a step.
"""

from __future__ import annotations

from limbeck.aliases import KerasModel
from limbeck.trainer.distillation.targets import loss_of
from limbeck.trainer.distribution import strategies
from limbeck.trainer.fitting import optimization
from limbeck.trainer.fitting.differentiation import WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.progress import Fitted
from limbeck.trainer.process import preemption
from limbeck.trainer.session import inputs, observation
from limbeck.trainer.session.models import build_optimizer
from limbeck.trainer.session.session import Session


def steps_of(session: Session) -> int:
    """Returns the number of optimizer steps of a further training."""
    planned = inputs.order_of(session, 0).steps
    return min(planned, session.job.most_steps or planned)


def tune(session: Session, model: KerasModel, stage: int = 0) -> Fitted:
    """Trains a model in place, from its weights on, with a new optimizer of the task.

    Args:
      session: the session, whose job gives epochs, learning rate and loss. No teacher is called, so the loss uses only
        stored soft targets.
      model: a model that was built within the scope of the session's strategy.
      stage: number of the further training in its chain, from 0. TensorBoard shows it as a member.

    Returns:
      What was done.

    Raises:
      TrainingFailedError: if training breaks down.
      PreemptedError: if the process was asked to end. Nothing is saved: the next attempt starts from the beginning.
    """
    job, training = session.job, session.job.training
    order = inputs.order_of(session, 0)
    with strategies.scope(session.strategy):
        optimizer = build_optimizer(session.task, optimization.schedule(training, order.steps))
        optimizer.build(model.trainable_variables)
    differentiate = WholeModel(model, loss_of(job, session.task.objective))
    step = GradientStep(session.strategy, model, optimizer, differentiate, training.clip_norm)
    with observation.observed(session, stage, Fitted()) as report:
        fitted = fit(
            step,
            inputs.input_pipeline(session, order, 0),
            steps=steps_of(session),
            hooks=Hooks(report=report, stop_requested=preemption.requested),
            steps_per_call=training.steps_per_call,
        )
    with strategies.scope(session.strategy):
        optimizer.finalize_variable_values(model.trainable_variables)
    return fitted
