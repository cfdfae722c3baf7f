"""Trains one member of a job, from its initial weights or its newest checkpoint to its last step.

The parts of a training are independent of each other: the step, the input pipeline, the checkpoints, the reports. This
module combines them, in the same order in every process, because building a variable or reading a checkpoint may wait
for all other processes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from limbeck import task_code
from limbeck.aliases import KerasModel
from limbeck.strategies.registry import strategy_kind
from limbeck.trainer.distribution import agreement, stage_signs, strategies
from limbeck.trainer.fitting import optimization, precision
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.progress import Fitted, TrainingProgress
from limbeck.trainer.process import position, preemption
from limbeck.trainer.process.preemption import PreemptedError
from limbeck.trainer.recovery.resumption import Saved
from limbeck.trainer.session import initialisation, inputs, lack_of_memory, observation, pipelined
from limbeck.trainer.session.learner import learner_of
from limbeck.trainer.session.models import build_model, build_optimizer
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.stepping import step_of

Weights = list[npt.NDArray[np.generic]]


def train(
    session: Session, member: int, then: Callable[[KerasModel], None] | None = None
) -> tuple[Weights, Fitted]:
    """Trains one member. Every process of the job must call it.

    Args:
      session: the session of this process.
      member: number of the member, from 0.
      then: called with the trained model, which is still under its strategy.

    Returns:
      The weights, as arrays in the order of `model.get_weights()`, and what this process did. For a model in stages
      there are no arrays, because it may be larger than the memory of this process. Use `then` to take its weights.

    Raises:
      TaskError: if the task's code fails, or its model breaks a rule of `limbeck.trainer.session.contract`.
      TrainingFailedError: if training breaks down, a checkpoint cannot be written, or a stage has too little memory.
      PreemptedError: if a process of the job was asked to end. The job has saved a checkpoint.
    """
    import tf_keras

    if strategy_kind(session.job.strategy.name).asynchronous:
        from limbeck.trainer.asynchronous.member import train as train_asynchronously

        return train_asynchronously(session, member, then)
    job, strategy, training = session.job, session.strategy, session.job.training
    order = inputs.order_of(session, member)
    tf_keras.utils.set_random_seed(training.seed + member)
    with precision.policy(training.precision):
        first_weights = initialisation.initial_weights(session)
    # Keras draws initial weights from its global generator. Every process must draw the same weights.
    tf_keras.utils.set_random_seed(training.seed + member)
    with precision.policy(training.precision), lack_of_memory.told(session):
        with strategies.scope(strategy):
            model, stages = (
                pipelined.build(session, training.seed + member, tell=member == 0)
                if job.pipelining.is_on
                else (build_model(session), None)
            )
            if first_weights is not None:
                model.set_weights(first_weights)
            learner = learner_of(session, model)
            optimizer = build_optimizer(session.task, optimization.schedule(training, order.steps))
            loss_scale = precision.loss_scale(training, optimizer)
            pipelined.follow(optimizer, stages)
            # This comes before the search for a checkpoint, so that a resumed training has the same graph as a new one.
            optimizer.build(learner.trainable_variables)
            step = step_of(session, strategy, learner, optimizer, loss_scale, stages=stages)
        saved = Saved(job, member, strategy, session.me.is_chief)
        start = saved.restore(learner, optimizer, inputs.examples_until(session, order))
        stop_requested = _stop_requested(session)
        position.note(member, start.steps)
        failed = f"training {session.who} fails after step"
        with observation.observed(session, member, start) as report, _guarded(failed):
            result = fit(
                step,
                inputs.input_pipeline(session, order, start.steps),
                steps=inputs.last_step(session, order),
                start=start,
                hooks=Hooks(
                    validation=inputs.validation(session, pipelined.answers(session, model, stages), order),
                    report=_noting(member, report),
                    save=saved.hook(learner, optimizer),
                    save_every=job.checkpoint.steps,
                    stop_requested=stop_requested,
                ),
                steps_per_call=training.steps_per_call,
            )
    with strategies.scope(strategy):
        # The optimizer may replace the weights by their moving average. The last checkpoint holds the original weights.
        optimizer.finalize_variable_values(learner.trainable_variables)
    if then is not None:
        then(model)
    # Every process must read, because some weights are means over all replicas.
    return model.get_weights() if stages is None else [], result


def _stop_requested(session: Session) -> Callable[[], bool]:
    """Returns a function that returns whether any process of the job was asked to end."""
    job, any_process = session.job, agreement.any_process(session.strategy)
    any_stage = stage_signs.asking(job.record_uri, job.pipelining.processes)
    return lambda: any_process(preemption.requested() or any_stage())


@contextlib.contextmanager
def _guarded(what: str) -> Iterator[None]:
    """Returns a context that adds the step to an exception of the task's code."""
    try:
        yield
    except PreemptedError:
        raise
    except Exception as error:
        with task_code.guarded(f"{what} {position.step()}", whole=False):
            raise error from error.__cause__


def _noting(member: int, report: observation.ProgressCallback | None) -> observation.ProgressCallback:
    """Returns a callback that notes the position of this process, and then calls `report`."""

    def told(progress: TrainingProgress) -> None:
        position.note(member, progress.step)
        if report is not None:
            report(progress)

    return told
