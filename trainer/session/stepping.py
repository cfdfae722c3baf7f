"""Chooses how the step of a job computes its gradients: at once, in micro-batches, with recomputation, or in stages.

The step that is tried before a training must equal the step of the training. So both come from this module.
"""

from __future__ import annotations

from limbeck.aliases import Optimizer, Strategy
from limbeck.trainer.distillation.targets import loss_of
from limbeck.trainer.fitting.differentiation import Accumulated, Differentiation, WholeModel
from limbeck.trainer.fitting.gradient_step import GradientStep
from limbeck.trainer.fitting.precision import LossScale
from limbeck.trainer.fitting.recomputation import Head, assert_kept_by_compilers, recomputed
from limbeck.trainer.fitting.step import Step
from limbeck.trainer.pipelining.host_memory import assert_swappable
from limbeck.trainer.session import pipelined
from limbeck.trainer.session.learner import Learner
from limbeck.trainer.session.pipelined import Stages
from limbeck.trainer.session.session import Session


def step_of(
    session: Session,
    strategy: Strategy,
    learner: Learner,
    optimizer: Optimizer,
    loss_scale: LossScale | None,
    *,
    stages: Stages | None = None,
) -> Step:
    """Returns the optimizer step of the job. Call it in the strategy's scope, and with the job's precision.

    Args:
      session: the session of this process.
      strategy: the strategy of learner and optimizer.
      learner: the model or student that is trained.
      optimizer: its optimizer.
      loss_scale: its loss scale, if it has one.
      stages: where the model is cut, if its variables are on several devices.

    Raises:
      TaskError: if the job needs a model in blocks or stages, and the model cannot be cut.
      ConfigError: if recomputation would save nothing, or activations are to leave a GPU and there is none.
    """
    training, loss = session.job.training, loss_of(session.job, session.task.objective)
    differentiate: Differentiation = WholeModel(learner, loss)
    if training.recompute != "none":
        assert_kept_by_compilers(training.recompute)
    if training.swap:
        assert_swappable()
    if stages is not None:
        differentiate = pipelined.differentiation(session, learner, loss, stages)
        if session.job.pipelining.is_delayed:
            return pipelined.delayed_step(session, differentiate, optimizer)
    elif training.recompute != "none":
        differentiate = recomputed(Head(learner, loss), training.recompute, session.who, swap=training.swap)
    if training.accumulate > 1:
        differentiate = Accumulated(differentiate, training.accumulate)
    return GradientStep(strategy, learner, optimizer, differentiate, training.clip_norm, loss_scale)
