"""Differentiates a model whose stages are on several devices, which work on several micro-batches at the same time.

A schedule says what each stage does, and in which order (`limbeck.trainer.pipelining.schedule`). Here it is unrolled
into the graph of one step. Each action is put on the device of its stage, and waits for the previous action of the same
stage. TensorFlow sends the data that it needs from other stages. A value that skips stages is sent directly from the
stage that computes it to the stage that reads it. Nothing waits for Python, and the order is always the same.

With several replicas, each of them runs the schedule on its own devices, with its part of the batch, at the same time
(`limbeck.trainer.fitting.pipeline_replica`). Their gradients are summed in the order of their numbers.

The gradients are those of the whole batch: all schedules here update the weights after the last micro-batch.
`limbeck.trainer.fitting.delayed_step` runs the schedules that do not wait.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from limbeck.aliases import Features, Gradient, KerasModel, Tensor, Variable
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.fitting import differentiation, optimization
from limbeck.trainer.fitting.differentiation import Differentiated
from limbeck.trainer.fitting.micro_batches import cut, sum_of
from limbeck.trainer.fitting.pipeline_replica import PipelineReplica, merge_states
from limbeck.trainer.fitting.recomputation import Head, add, numbered_by, share_gradient, together
from limbeck.trainer.pipelining.blocks import Block, Layout, Pass, Values
from limbeck.trainer.pipelining.schedule import Action, Schedule
from limbeck.trainer.pipelining.variable_handles import value_of


@dataclasses.dataclass(frozen=True, eq=False)
class PipelinedModel:
    """A `Differentiation` over several devices. The variables of a stage are on its device.

    Attributes:
      head: computes the loss from the model's outputs, on the last stage.
      layout: the model as a call graph.
      stages: the blocks of the model, one for each stage.
      devices: their devices; those of the first replica, if there are several.
      schedule: what the stages do: a synchronous schedule of one batch.
      recompute: which stages recompute the activations of a micro-batch instead of keeping them: `none`, `all`, or all
        `except_last`.
      further: further replicas of the stages. Each computes a part of a batch by the same schedule.
      swap: whether values that are kept for recomputation are in the memory of the machine, and not of the device.
    """

    head: Head
    layout: Layout
    stages: tuple[Block, ...]
    devices: tuple[str, ...]
    schedule: Schedule
    recompute: str = "none"
    further: tuple[PipelineReplica, ...] = ()
    swap: bool = False

    def __call__(
        self, inputs: Features, targets: Features, denominators: Denominators, scale: Tensor | None
    ) -> Differentiated:
        """Differentiates the loss; see `limbeck.trainer.fitting.differentiation.Differentiation`."""
        import tensorflow as tf

        replicas = (PipelineReplica(0, self.devices), *self.further)
        began = [[value_of(one) for one in block.state] for block in self.stages] if self.further else []
        for one in replicas:
            one.refresh()
        batch, count = (inputs, targets), len(replicas)
        shares = [cut(batch, count, one.number) for one in replicas] if self.further else [batch]
        runs = [_Run(self, *pair, denominators, scale) for pair in zip(replicas, shares, strict=True)]
        for stage, action in self.schedule.merged():
            if action.kind != "update":
                for run in runs:
                    run.do(stage, action)
        for stage, before in enumerate(began):
            merge_states(self.stages[stage].state, [one.copies[stage] for one in self.further], before)
        total = [pair for stage in range(len(self.stages)) for pair in self._summed(stage, runs)]
        gradients = numbered_by(self.head.learner.trainable_variables, total)
        parts = [part for run in runs for part in run.parts]
        examples = tf.add_n([part.examples for part in parts])
        if any(part.has_added for part in parts):
            gradients = differentiation.kept_if_any(gradients, examples)
        value = tf.add_n([part.value for part in parts])
        return Differentiated(tf.cast(examples, tf.int64), value, together(gradients))

    def _summed(self, stage: int, runs: Sequence[_Run]) -> list[tuple[Variable, Gradient]]:
        """Returns the gradients of a stage, summed over the replicas in the order of their numbers."""
        import tensorflow as tf

        total: dict[int, tuple[Variable, Gradient]] = {}
        with tf.device(self.devices[stage]):
            for run in runs:
                _add_all(total, run.totals[stage].values())
        return list(total.values())

    def variables_of(self, stage: int) -> list[Variable]:
        """Returns the variables that a stage trains."""
        own = self.stages[stage].variables
        return [*self.head.variables, *own] if stage == len(self.stages) - 1 else own

    def keeps(self, stage: int) -> bool:
        """Returns whether a stage keeps its activations."""
        return keeps_activations(self.recompute, stage, len(self.stages))


def keeps_activations(recompute: str, stage: int, stages: int) -> bool:
    """Returns whether a stage of `stages` keeps its activations under a value of `training.recompute`."""
    return recompute == "none" or (recompute == "except_last" and stage == stages - 1)


def named(stage: int, action: Action, replica: str = "") -> AbstractContextManager[Any]:
    """Returns a context that names operations after an action, for traces of a step: `stage1_F0/...`.

    If there are several replicas, the name begins with the name of the `replica`, such as `replica0/`.
    """
    import tensorflow as tf

    return tf.name_scope(f"{replica}stage{stage}_{action}")


@dataclasses.dataclass(frozen=True, eq=False)
class StagedAnswers:
    """A functional model as a function of its inputs. Each stage computes on its device.

    If the model itself were called, TensorFlow would send the weights of all stages to one device.

    Attributes:
      network: the model.
      layout: the model as a call graph.
      stages: the blocks of the model, one for each stage.
      devices: their devices.
    """

    network: KerasModel
    layout: Layout
    stages: tuple[Block, ...]
    devices: tuple[str, ...]

    def __call__(self, inputs: Features, *, training: bool = False) -> Tensor:
        """Returns the logits `[batch, outputs]` of inputs by name, in inference mode."""
        import tensorflow as tf

        assert not training, "`PipelinedModel` trains"  # noqa: S101
        given = self.network._flatten_to_reference_inputs(inputs)
        values: Values = dict(zip(self.layout.inputs, given, strict=True))
        for stage, device in zip(self.stages, self.devices, strict=True):
            with tf.device(device):
                values |= stage.answer(values)
        return values[self.layout.outputs[0]]


class _Run:
    """Builds the graph of the micro-batches of one replica in one step."""

    def __init__(
        self,
        model: PipelinedModel,
        replica: PipelineReplica,
        batch: tuple[Features, Features],
        denominators: Denominators,
        scale: Tensor | None,
    ) -> None:
        count = model.schedule.micro_batches
        self.parts = [
            MicroBatch(model, *cut(batch, count, number), denominators, scale) for number in range(count)
        ]
        self.totals: list[dict[int, tuple[Variable, Gradient]]] = [{} for _ in model.stages]
        self._replica = replica
        self._name = f"replica{replica.number}/" if model.further else ""
        self._done: dict[int, Any] = {}

    def do(self, stage: int, action: Action) -> None:
        """Adds a pass, forward or backward, to the graph. It begins when the previous pass of its stage is done."""
        import tensorflow as tf

        waited = [self._done[stage]] if stage in self._done else []
        part, device, total = self.parts[action.number], self._replica.devices[stage], self.totals[stage]
        with (
            named(stage, action, self._name),
            tf.device(device),
            tf.control_dependencies(waited),
            self._replica.at(stage),
        ):
            if action.kind == "forward":
                computed: list[Any] = part.forward(stage)
            else:
                computed, found = part.backward(stage, waited)
                _add_all(total, found)
                computed = [*computed, *(gradient for _, gradient in total.values())]
            self._done[stage] = tf.group(*(getattr(one, "values", one) for one in computed))


def _add_all(
    total: dict[int, tuple[Variable, Gradient]], found: Iterable[tuple[Variable, Gradient | None]]
) -> None:
    """Adds gradients to the totals of their variables."""
    for variable, gradient in found:
        if gradient is not None:
            before = total.get(id(variable))
            total[id(variable)] = variable, gradient if before is None else sum_of(before[1], gradient)


class MicroBatch:
    """One micro-batch on its way forward and backward."""

    def __init__(
        self,
        model: PipelinedModel,
        inputs: Features,
        targets: Features,
        denominators: Denominators,
        scale: Tensor | None,
    ) -> None:
        import tensorflow as tf

        self._model, self._inputs, self._targets = model, inputs, targets
        self._denominators, self._scale = denominators, scale
        given = model.head.network._flatten_to_reference_inputs(inputs)
        self._values: Values = dict(zip(model.layout.inputs, given, strict=True))
        self._passes: dict[int, Pass] = {}
        self._gradients: Values = {}
        self._of_head: list[tuple[Variable, Gradient | None]] = []
        self._parts: list[Tensor] = []
        self.has_added = False
        self.examples: Tensor = tf.shape(next(iter(targets.values())))[0]

    @property
    def value(self) -> Tensor:
        """Its part of the loss, after it went forward through all stages."""
        import tensorflow as tf

        return tf.add_n(self._parts)

    def forward(self, stage: int) -> list[Tensor]:
        """Computes the forward pass of a stage; for the last stage, also the loss. Returns the results."""
        model = self._model
        with _averages_kept(model.stages[stage], self.examples):
            one = model.stages[stage].forward(self._values, keep=model.keeps(stage), swap=model.swap)
        self._passes[stage] = one
        self._values |= one.given
        if one.added is not None:
            self.has_added = True
            self._parts.append(differentiation.share_of(one.added, self.examples, self._denominators))
        if stage < len(model.stages) - 1:
            return one.outputs
        outputs = [self._values[number] for number in model.layout.outputs]
        value, of_outputs, of_head = model.head.differentiate(
            self._inputs, outputs, self._targets, self._denominators, self._scale
        )
        for number, gradient in zip(model.layout.outputs, of_outputs, strict=True):
            add(self._gradients, number, gradient)
        self._of_head = list(zip(model.head.variables, of_head, strict=True))
        self._parts.append(value)
        return [value, *(one for one in of_outputs if one is not None)]

    def backward(
        self, stage: int, after: list[Any]
    ) -> tuple[list[Tensor], list[tuple[Variable, Gradient | None]]]:
        """Computes the backward pass of a stage. Returns the gradients for other stages, and those of its variables."""
        one = self._passes.pop(stage)
        share = share_gradient(self.examples, self._denominators, self._scale)
        passed, of_variables = one.backward(self._gradients, share, after)
        if _averages(one.block):
            of_variables = [
                optimization.kept(each, self.examples > 0) if each is not None else None for each in of_variables
            ]
        for number, gradient in passed.items():
            add(self._gradients, number, gradient)
        for number in one.block.gives:
            self._gradients.pop(number, None)
        found = list(zip(one.block.variables, of_variables, strict=True))
        if stage == len(self._model.stages) - 1:
            found = self._of_head + found
        return list(passed.values()), found


def _averages(block: Block) -> list[Variable]:
    """Returns the state of a block that depends on its examples, such as the averages of batch normalisation."""
    return [one for one in block.state if one.dtype.is_floating]


@contextlib.contextmanager
def _averages_kept(block: Block, examples: Tensor) -> Iterator[None]:
    """Returns a context that restores averages at its end if there is no example: a mean over no example is NaN.

    Keras does this only under a `tf.distribute` strategy, and stages are under none.
    """
    import tensorflow as tf

    averages = _averages(block)
    before = [one.read_value() for one in averages]
    yield
    for one, value in zip(averages, before, strict=True):
        one.assign(tf.where(examples > 0, one.read_value(), value))
