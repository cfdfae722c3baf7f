"""The training loop: runs several optimizer steps in one call of a graph, and the hooks between two calls.

`Model.fit` returns to Python after every step, which takes longer than the step of a small model. It also averages the
loss over a replica, which is not the mean over the global batch. Here `steps_per_call` steps run inside one graph, and
the loss itself is divided by counts of the global batch.

Everything else happens between two calls (`limbeck.trainer.fitting.hooks`). If a hook is due, the call ends earlier, at
the same step in every process. The loop is handed its step and its input pipeline. It knows neither the model nor the
strategy.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from limbeck.aliases import Tensor
from limbeck.errors import DivergedError
from limbeck.rank_record import DeviceSeconds
from limbeck.trainer.data.input_pipeline import InputPipeline
from limbeck.trainer.fitting.early_stopping import Streak
from limbeck.trainer.fitting.evaluation import Evaluation
from limbeck.trainer.fitting.hooks import Hooks, Validation
from limbeck.trainer.fitting.progress import Fitted, TrainingProgress
from limbeck.trainer.fitting.repetition import repeated
from limbeck.trainer.fitting.step import GroupedStep, Step, StepResult
from limbeck.trainer.process.preemption import PreemptedError

_NOTHING, _NO_HOOKS = Fitted(), Hooks()


def fit(
    step: Step,
    inputs: InputPipeline,
    *,
    steps: int,
    start: Fitted = _NOTHING,
    hooks: Hooks = _NO_HOOKS,
    steps_per_call: int = 20,
) -> Fitted:
    """Trains until all steps are done, or until the validation ends the training early.

    Args:
      step: does one optimizer step.
      inputs: gives the batch of each step, beginning with step `start.steps`.
      steps: number of optimizer steps, including the steps of `start`.
      start: what earlier attempts did.
      hooks: what happens between calls.
      steps_per_call: largest number of optimizer steps in one call.

    Returns:
      What was done, including `start`.

    Raises:
      DivergedError: if the loss or the gradient of a step, or the loss of a validation, is not finite.
      PreemptedError: if a process was asked to end.
    """
    call = _call(step, inputs)
    began, so_far = time.monotonic(), start
    while not _is_over(so_far.steps, steps, so_far.streak, hooks):
        save_at, validate_at = hooks.next_save(so_far.steps), hooks.next_validation(so_far.steps)
        until = int(min(so_far.steps + steps_per_call, steps, save_at, validate_at))
        progress, examples, device = _advance(call, so_far.steps, until, steps)
        streak = so_far.streak
        if hooks.validation and until == validate_at:
            found = _validate(hooks.validation, until)
            progress, streak = dataclasses.replace(progress, validation=found), streak.after(found.loss)
        seconds = start.seconds + time.monotonic() - began
        curve, device = so_far.curve.plus(progress), so_far.device + device
        so_far = Fitted(until, so_far.examples + examples, seconds, curve, streak, device)
        if hooks.report:
            hooks.report(progress)
        stop = hooks.stop_requested is not None and hooks.stop_requested()
        if hooks.save and (stop or until == save_at or _is_over(until, steps, streak, hooks)):
            hooks.save(so_far)
        if stop:
            raise PreemptedError(f"asked to end at step {until} of {steps}")
    return so_far


def _is_over(done: int, steps: int, streak: Streak, hooks: Hooks) -> bool:
    patience = hooks.validation.patience if hooks.validation else None
    return done >= steps or (patience is not None and streak.since >= patience)


def _validate(validation: Validation, done: int) -> Evaluation:
    found = validation.evaluate()
    if not math.isfinite(found.loss):
        raise DivergedError(
            f"the loss on the validation split is {found.loss} after step {done}: lower training.learning_rate"
        )
    return found


class _CallResult(NamedTuple):
    """The result of several steps in one graph.

    Attributes:
      total: float32 scalar, the sum of their losses.
      taken: int32 scalar, the number of steps up to and including the first unsound step, or the last step.
      last: the result of this step.
      examples: int64 scalar, the examples of this process in all steps.
      computing: float64 scalar, the seconds in which a step was computed.
      waiting: float64 scalar, the seconds in which no step was computed, because its batch was not ready.
    """

    total: Tensor
    taken: Tensor
    last: StepResult
    examples: Tensor
    computing: Tensor
    waiting: Tensor

    def plus(self, one: StepResult) -> _CallResult:
        """Returns the result of one more step."""
        import tensorflow as tf

        sound = self.last.sound
        last = StepResult(*(tf.where(sound, new, old) for new, old in zip(one, self.last, strict=True)))
        return self._replace(
            total=self.total + one.loss,
            taken=self.taken + tf.cast(sound, tf.int32),
            last=last,
            examples=self.examples + one.examples,
        )


def _call(step: Step, inputs: InputPipeline) -> Callable[[Tensor], _CallResult]:
    """Returns a function that takes a number of steps, an int32 scalar, and does them in one graph."""
    import tensorflow as tf

    iterator = inputs.start()
    together = step.together if isinstance(step, GroupedStep) else 1

    def group(size: int, ended: Tensor, so_far: _CallResult) -> tuple[Tensor, _CallResult]:
        batches = [inputs.take(iterator) for _ in range(size)]
        began = _time_after([ended, batches])
        results = step.run_together(batches) if isinstance(step, GroupedStep) else [step.run(batches[0])]
        now = _time_after(results)
        for result in results:
            so_far = so_far.plus(result)
        return now, so_far._replace(
            waiting=so_far.waiting + (began - ended), computing=so_far.computing + (now - began)
        )

    # Autograph is off, because Keras itself applies it to a user's layers.
    @tf.function(autograph=False, reduce_retracing=True)
    def call(count: Tensor) -> _CallResult:
        state: tuple[Any, ...] = (tf.timestamp(), _nothing())
        # The last steps, too few for a group, come after the groups.
        groups = [(1, count)] if together == 1 else [(together, count // together), (1, count % together)]
        for size, times in groups:
            state = repeated(times, functools.partial(group, size), state)
        return cast(_CallResult, state[1])

    return call


def _nothing() -> _CallResult:
    """Returns the result of no step."""
    import tensorflow as tf

    zero, none, now = tf.constant(0.0), tf.constant(0, tf.int64), tf.constant(0.0, tf.float64)
    return _CallResult(zero, tf.constant(0), StepResult(zero, zero, zero, tf.constant(True), none), none, now, now)


def _time_after(values: Any) -> Tensor:
    """Returns the time at which all tensors in a structure have been computed: seconds, a float64 scalar."""
    import tensorflow as tf

    with tf.control_dependencies(tf.nest.flatten(values, expand_composites=True)):
        return tf.timestamp()


def _advance(
    call: Callable[[Tensor], _CallResult], done: int, until: int, steps: int
) -> tuple[TrainingProgress, int, DeviceSeconds]:
    """Does the steps from `done` to `until` of all `steps`.

    Returns:
      The progress, the number of examples of this process, and what its devices did.

    Raises:
      DivergedError: if a step is not sound.
    """
    import tensorflow as tf

    found = call(tf.constant(until - done))
    last = found.last
    value, rate, norm = float(last.loss), float(last.learning_rate), float(last.gradient_norm)
    if not bool(last.sound):
        raise DivergedError(
            f"training broke down at step {done + int(found.taken)} of {steps}: the loss is {value:.6g}, the gradient "
            f"norm {norm:.6g}, the learning rate {rate:.6g}. Lower training.learning_rate, set training.clip_norm, or "
            "look for extreme values in the model's inputs"
        )
    mean = float(found.total) / (until - done)
    device = DeviceSeconds(float(found.computing), float(found.waiting))
    return TrainingProgress(until, steps, mean, _finite(rate), _finite(norm)), int(found.examples), device


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
