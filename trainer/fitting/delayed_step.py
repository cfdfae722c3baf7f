"""Optimizer steps of a pipeline that never runs empty: gradients are computed at weights that are some updates old.

A flush before each update leaves stages idle. PipeDream-2BW and asynchronous PipeDream leave it out: a micro-batch goes
forward and backward through the weights that were current when it entered, and its gradient changes newer weights. The
rule is exact (`limbeck.trainer.pipelining.schedules`). The result does not depend on the number of steps in one call,
because the older weights are variables, which are saved with the optimizer. The pipeline is filled at the beginning of
each call, so several batches in one call save time.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from limbeck.aliases import Batch, Gradient, Optimizer, Tensor, Variable
from limbeck.errors import TaskError
from limbeck.trainer.fitting import optimization
from limbeck.trainer.fitting.micro_batches import cut, sum_of
from limbeck.trainer.fitting.pipeline import MicroBatch, PipelinedModel, named
from limbeck.trainer.fitting.stage_clock import StageClock
from limbeck.trainer.fitting.stashed_weights import StashedWeights
from limbeck.trainer.fitting.step import StepResult
from limbeck.trainer.pipelining.schedule import Action, Schedule

# The number of micro-batches for each stage in one call. With more, the graph would take longer to trace.
_FILLINGS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class DelayedStep:
    """A `GroupedStep` of an asynchronous schedule, under no `tf.distribute` strategy.

    Attributes:
      pipeline: the stages.
      optimizer: tf_keras optimizer, already built.
      schedule: takes a number of batches, and returns the schedule of a pipeline that has run before. Versions count
        from the first update of the call, so older versions are negative.
      stashes: the versions of the weights of each stage.
      clocks: the clock of each stage.
    """

    pipeline: PipelinedModel
    optimizer: Optimizer
    schedule: Callable[[int], Schedule]
    stashes: tuple[StashedWeights, ...]
    clocks: tuple[StageClock, ...]

    @property
    def together(self) -> int:
        """How many batches go through the pipeline in one call, if there are enough."""
        stages, parts = len(self.pipeline.stages), self.schedule(1).micro_batches
        return max(2, math.ceil(_FILLINGS * stages / parts))

    def run(self, batch: Batch) -> StepResult:
        """Does one step; see `limbeck.trainer.fitting.step.Step`."""
        return self.run_together([batch])[0]

    def run_together(self, batches: Sequence[Batch]) -> list[StepResult]:
        """Does the steps of several batches, which follow each other through the pipeline without a pause."""
        import tensorflow as tf

        schedule = self.schedule(len(batches))
        run = _Run(self, batches, schedule)
        for stage, action in schedule.merged():
            run.do(stage, action)
        with tf.control_dependencies(run.ended):
            self.optimizer.iterations.assign_add(len(batches))
            if run.rates and hasattr(self.optimizer, "_current_learning_rate"):
                self.optimizer._current_learning_rate.assign(run.rates[-1])
        return [run.result(number) for number in range(len(batches))]


def delayed(
    pipeline: PipelinedModel, optimizer: Optimizer, schedule: Callable[[int], Schedule], who: str
) -> DelayedStep:
    """Makes the step, with the older weights. These are saved with the optimizer.

    Args:
      pipeline: the stages. The schedule of the model is not used.
      optimizer: tf_keras optimizer; it is built if necessary.
      schedule: as in `DelayedStep`.
      who: the model in words, for the message.

    Raises:
      TaskError: if the optimizer has values that belong to no variable, because every stage would update them.
    """
    import tf_keras

    if isinstance(optimizer, tf_keras.optimizers.Nadam):
        raise TaskError(
            f"{who} is trained without a flush, where each stage is at another step, but its optimizer Nadam keeps one "
            "product for all stages: take Adam, or pipelining.schedule=1f1b"
        )
    optimizer.build(pipeline.head.learner.trainable_variables)
    if not hasattr(optimizer, "_current_learning_rate"):
        optimizer._compute_current_learning_rate()
    # Twice the depth of the pipeline is enough for the oldest version that is read.
    plan = schedule(2 * len(pipeline.stages))
    stashes = tuple(
        StashedWeights.of(pipeline.variables_of(stage), _oldest(plan.stages[stage]))
        for stage in range(len(pipeline.stages))
    )
    optimizer.stashed_weights = [one for stash in stashes for version in stash.older for one in version]
    clocks = tuple(StageClock.of(optimizer, device) for device in pipeline.devices)
    return DelayedStep(pipeline, optimizer, schedule, stashes, clocks)


def _oldest(actions: Sequence[Action]) -> int:
    """Returns the age of the oldest weights that a stage reads, in updates."""
    newest = oldest = 0
    for action in actions:
        oldest = max(oldest, newest - action.version)
        newest += action.kind == "update"
    return oldest


class _Run:
    """Builds the graph of one call."""

    def __init__(self, step: DelayedStep, batches: Sequence[Batch], schedule: Schedule) -> None:
        self._step, self._each = step, schedule.micro_batches // len(batches)
        self._parts = [
            MicroBatch(step.pipeline, *cut((inputs, targets), self._each, number), denominators, None)
            for inputs, targets, denominators in batches
            for number in range(self._each)
        ]
        stages = len(step.pipeline.stages)
        self._updates = [0] * stages
        self._ages: dict[tuple[int, int], int] = {}
        self._total: list[dict[int, tuple[Variable, Gradient]]] = [{} for _ in range(stages)]
        self._norms: list[list[Tensor]] = [[] for _ in batches]
        self._done = [step.clocks[stage].start(step.optimizer) for stage in range(stages)]
        self.rates: list[Tensor] = []

    @property
    def ended(self) -> list[Any]:
        """Tensors and operations that are done when all stages are done."""
        return [one for some in self._done for one in some]

    def do(self, stage: int, action: Action) -> None:
        """Adds an action to the graph."""
        import tensorflow as tf

        device = self._step.pipeline.devices[stage]
        with named(stage, action), tf.device(device), tf.control_dependencies(self._done[stage]):
            if action.kind == "update":
                self._done[stage] = self._update(stage, action.number)
                return
            age = self._updates[stage] - action.version
            if action.kind == "forward":
                self._ages[stage, action.number] = age
                with self._step.stashes[stage].at(age):
                    computed = self._parts[action.number].forward(stage)
            else:
                computed = self._backward(stage, action.number, age)
            self._done[stage] = [tf.group(*(getattr(one, "values", one) for one in computed))]

    def _backward(self, stage: int, number: int, age: int) -> list[Any]:
        # A tape identifies the values that it has read by the memory from which they were read.
        age = self._ages[stage, number] if self._step.pipeline.keeps(stage) else age
        with self._step.stashes[stage].at(age):
            passed, found = self._parts[number].backward(stage, self._done[stage])
        total = self._total[stage]
        for variable, gradient in found:
            if gradient is not None:
                before = total.get(id(variable))
                total[id(variable)] = variable, gradient if before is None else sum_of(before[1], gradient)
        return [*passed, *(gradient for _, gradient in total.values())]

    def _update(self, stage: int, number: int) -> list[Any]:
        """Applies the gradients of a batch to the newest weights of a stage. Returns operations."""
        import tensorflow as tf

        step, graph = self._step, tf.compat.v1.get_default_graph()
        pairs = [(gradient, variable) for variable, gradient in self._total[stage].values()]
        self._total[stage] = {}
        self._updates[stage] += 1
        self._norms[number].append(optimization.global_norm([gradient for gradient, _ in pairs]))
        written = step.stashes[stage].shift()
        before = len(graph.get_operations())
        with tf.control_dependencies(written), step.clocks[stage].shown_to(step.optimizer):
            step.optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
            if stage == len(step.pipeline.stages) - 1:
                self.rates.append(tf.identity(optimization.learning_rate(step.optimizer)))
        # Keras returns nothing that could be waited for until all variables are written.
        made = graph.get_operations()[before:]
        return [*written, *(one for one in made if any(given.dtype == tf.resource for given in one.inputs))]

    def result(self, number: int) -> StepResult:
        """Returns the result of the step of a batch."""
        import tensorflow as tf

        parts = self._parts[number * self._each : (number + 1) * self._each]
        value = tf.add_n([part.value for part in parts])
        norm = tf.linalg.global_norm(self._norms[number])
        examples = tf.cast(tf.add_n([part.examples for part in parts]), tf.int64)
        sound = tf.logical_and(tf.math.is_finite(value), tf.math.is_finite(norm))
        return StepResult(value, self.rates[number], norm, sound, examples)
