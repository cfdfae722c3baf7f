"""The training loop: optimizer steps under any strategy, several to a call.

`Model.fit` returns to Python after every step, which for a small model costs more than the step; it also takes
the mean over a replica, which is not the mean over the global batch. Here `steps_per_call` steps run inside one
graph, and the loss says itself what it divides by.

What else happens in a training hangs on the returns to Python: reports, validation, checkpoints, and a request to
end. A call is cut short where one of them is due, at the same step in every process.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

from limbeck.errors import TrainingFailedError
from trainer.data.feeding import Feed
from trainer.distribution import agreement
from trainer.fitting import early_stopping, step
from trainer.fitting.evaluation import Evaluation
from trainer.fitting.precision import LossScale
from trainer.fitting.step import Loss, Outcome
from trainer.process.preemption import PreemptedError

__all__ = ["Fitted", "Hooks", "Loss", "Progress", "Validation", "fit"]


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a training stands.

    Attributes:
      step: optimizer steps done.
      steps: of all.
      loss: mean since the last report, in nats.
      learning_rate: of the last step; None where the optimizer has none.
      gradient_norm: of the last step, before clipping; None where it overflowed float16 and the step was skipped.
      validation: where it was due after this step.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float | None = None
    gradient_norm: float | None = None
    validation: Evaluation | None = None


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What this process did: steps, examples that it computed gradients of, seconds, and the loss curve."""

    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    curve: tuple[Progress, ...] = ()


@dataclasses.dataclass(frozen=True)
class Validation:
    """Evaluates while training goes on, and ends it early.

    Attributes:
      evaluate: called in every process at the same steps; gives the same in all.
      next_due: step count -> the next above it at which to evaluate.
      patience: training ends after so many evaluations in a row without a lower loss.
    """

    evaluate: Callable[[], Evaluation]
    next_due: Callable[[int], int]
    patience: int


@dataclasses.dataclass(frozen=True)
class Hooks:
    """What is to happen between calls, in this order.

    Attributes:
      validation: None: there is none.
      report: is told of the progress after every call.
      save: is given what was done so far at every multiple of `save_every`, at the end, and before `PreemptedError`
        is raised. Every process calls it at the same steps.
      save_every: optimizer steps.
      stop_requested: is asked after every call; where it answers True in any process, all save and end.
    """

    validation: Validation | None = None
    report: Callable[[Progress], None] | None = None
    save: Callable[[Fitted], None] | None = None
    save_every: int = 500
    stop_requested: Callable[[], bool] | None = None

    def next_save(self, done: int) -> int | float:
        """The next multiple of `save_every`."""
        return (done // self.save_every + 1) * self.save_every if self.save else math.inf

    def next_validation(self, done: int) -> int | float:
        """The next step count at which to evaluate."""
        return self.validation.next_due(done) if self.validation else math.inf


def fit(
    strategy: Any,
    model: Any,
    optimizer: Any,
    loss: Loss,
    dataset_of: Callable[[Any], Any],
    *,
    steps: int,
    start: Fitted = Fitted(),
    hooks: Hooks = Hooks(),
    steps_per_call: int = 20,
    clip_norm: float | None = None,
    loss_scale: LossScale | None = None,
) -> Fitted:
    """Trains `model` in place.

    Args:
      strategy: under whose scope model and optimizer were built.
      model: tf_keras model, called with the inputs of a batch.
      optimizer: tf_keras optimizer.
      loss: (the output `[batch, outputs]`, targets by name, `Denominators`) -> this replica's part of the loss, a
        float32 scalar.
      dataset_of: tf.distribute.InputContext of a replica -> its dataset of (inputs by name, targets by name,
        denominators), from the step `start.steps` on.
      steps: optimizer steps, those of `start` included.
      start: what was done before `model` and `optimizer` came to their present values.
      hooks: what is to happen between calls.
      steps_per_call: optimizer steps between two returns to Python, at most.
      clip_norm: largest norm of the gradient of the global batch; None: any.
      loss_scale: where the model computes in float16.

    Returns:
      What was done, `start` included.

    Raises:
      TrainingFailedError: where the loss or the gradient of a step, or the loss of a validation, is not finite.
      PreemptedError: where a process was asked to end.
    """
    one = step.build(strategy, model, optimizer, loss, clip_norm=clip_norm, loss_scale=loss_scale)
    call = _call(one, Feed(strategy, dataset_of))
    any_process = agreement.any_process(strategy)
    began, so_far = time.monotonic(), start
    while not _is_over(so_far, steps, hooks):
        save_at, validate_at = hooks.next_save(so_far.steps), hooks.next_validation(so_far.steps)
        until = int(min(so_far.steps + steps_per_call, steps, save_at, validate_at))
        progress, examples = _advance(call, so_far.steps, until, steps)
        if hooks.validation and until == validate_at:
            progress = dataclasses.replace(progress, validation=_validate(hooks.validation, until))
        seconds = start.seconds + time.monotonic() - began
        so_far = Fitted(until, so_far.examples + examples, seconds, (*so_far.curve, progress))
        if hooks.report:
            hooks.report(progress)
        stop = hooks.stop_requested is not None and any_process(hooks.stop_requested())
        if hooks.save and (stop or until == save_at or _is_over(so_far, steps, hooks)):
            hooks.save(so_far)
        if stop:
            raise PreemptedError(f"asked to end at step {until} of {steps}")
    return so_far


def _is_over(so_far: Fitted, steps: int, hooks: Hooks) -> bool:
    losses = [progress.validation.loss for progress in so_far.curve if progress.validation]
    early = hooks.validation is not None and early_stopping.is_over(losses, hooks.validation.patience)
    return early or so_far.steps >= steps


def _validate(validation: Validation, done: int) -> Evaluation:
    found = validation.evaluate()
    if not math.isfinite(found.loss):
        raise TrainingFailedError(
            f"the loss on the validation split is {found.loss} after step {done}: lower training.learning_rate"
        )
    return found


def _call(one: Callable[[Any], tuple[Outcome, Any]], feed: Feed) -> Callable[[Any], tuple[Any, ...]]:
    """Several steps in one graph.

    The function takes their number, int32. It gives the sum of the losses; how many steps there were up to the first
    that is unsound, or up to the last; the outcome of that step; and the examples of this process.
    """
    import tensorflow as tf

    iterator = feed.start()

    @tf.function(reduce_retracing=True)
    def call(count: Any) -> tuple[Any, ...]:
        total, examples, taken = tf.constant(0.0), tf.constant(0, tf.int64), 0
        kept = Outcome(tf.constant(0.0), tf.constant(0.0), tf.constant(0.0), tf.constant(True))
        for _ in tf.range(count):
            outcome, size = one(feed.take(iterator))
            taken += tf.cast(kept.sound, tf.int32)
            kept = Outcome(*(tf.where(kept.sound, new, old) for new, old in zip(outcome, kept)))  # noqa: B905
            total += outcome.loss
            examples += size
        return total, taken, kept, examples

    return call


def _advance(call: Callable[[Any], tuple[Any, ...]], done: int, until: int, steps: int) -> tuple[Progress, int]:
    """Does the steps `done` to `until` of `steps`. Gives the progress, and the examples of this process."""
    import tensorflow as tf

    total, taken, outcome, examples = call(tf.constant(until - done))
    value, rate, norm = float(outcome.loss), float(outcome.learning_rate), float(outcome.gradient_norm)
    if not bool(outcome.sound):
        raise TrainingFailedError(
            f"training broke down at step {done + int(taken)} of {steps}: the loss is {value:.6g}, the gradient norm "
            f"{norm:.6g}, the learning rate {rate:.6g}. Lower training.learning_rate, set training.clip_norm, or look "
            "for extreme values in the model's inputs"
        )
    progress = Progress(until, steps, float(total) / (until - done), _finite(rate), _finite(norm))
    return progress, int(examples)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
