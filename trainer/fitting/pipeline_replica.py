"""`PipelineReplica`: a further copy of all stages of a pipeline, which computes another part of each batch.

A stage has one set of weights, and every replica needs them. If each replica read them from the first one, a layer
would send them again for each micro-batch, forward and backward, and all replicas would change the same averages and
counters in an arbitrary order. So a stage of another replica has a copy of the weights and of the state, on its own
device. The copy is set at the beginning of each step, which sends each weight once. At the end of the step, the weights
of the first replica are updated, and the states of all replicas are merged. So copies have no slots of the optimizer,
and checkpoints do not contain replicas.

A layer that asks TensorFlow for the number of its replica gets the same answer as under `tf.distribute`. So Dropout
drops other units on each replica. The result equals that of `tf.distribute.MirroredStrategy` with as many replicas.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import operator
from collections.abc import Iterator, Sequence

from limbeck.aliases import Tensor, Variable
from limbeck.trainer.pipelining.blocks import Block
from limbeck.trainer.pipelining.variable_handles import plain, referring, value_of


@dataclasses.dataclass(frozen=True, eq=False)
class StageCopy:
    """The weights and the state of a stage on the device of another replica.

    Attributes:
      variables: the variables of the stage, trained or not.
      copies: a variable for each of them, of the same shape and dtype, on the device of the other replica.
    """

    variables: tuple[Variable, ...]
    copies: tuple[Variable, ...]

    @classmethod
    def of(cls, block: Block, device: str) -> StageCopy:
        """Makes a copy of a stage on a device. Its values are 0 until the first `refresh`."""
        variables = tuple(one for one in block.model.weights if hasattr(one, "dtype"))
        return cls(variables, tuple(_empty(one, device) for one in variables))

    def refresh(self) -> None:
        """Sets the copies to the values of the variables, in a graph."""
        import tensorflow as tf

        for one, copy in zip(self.variables, self.copies, strict=True):
            value = value_of(one)
            with tf.device(copy.device):
                copy.assign(value)

    def copy_of(self, variable: Variable) -> Variable:
        """Returns the copy of one of the variables."""
        return next(copy for one, copy in zip(self.variables, self.copies, strict=True) if one is variable)


@dataclasses.dataclass(frozen=True, eq=False)
class PipelineReplica:
    """All stages on devices of their own.

    Attributes:
      number: number of the replica. Replica 0 has the variables themselves.
      devices: the devices of its stages.
      copies: the copies of the stages; empty for the first replica.
    """

    number: int
    devices: tuple[str, ...]
    copies: tuple[StageCopy, ...] = ()

    def refresh(self) -> None:
        """Sets the copies to the newest weights and state, in a graph."""
        for one in self.copies:
            one.refresh()

    @contextlib.contextmanager
    def at(self, stage: int) -> Iterator[None]:
        """Returns a context in which a stage computes on this replica: with its copies, and with its number."""
        import tensorflow as tf

        if not self.copies:
            yield
            return
        copy = self.copies[stage]
        context = tf.distribute.ReplicaContext(tf.distribute.get_strategy(), self.number)
        with context, referring(copy.variables, copy.copies):
            yield


def further_replicas(stages: Sequence[Block], devices: Sequence[str]) -> tuple[PipelineReplica, ...]:
    """Makes the replicas after the first one. Call it outside of a graph.

    Args:
      stages: the stages, whose variables are on the devices of the first replica.
      devices: the devices of all replicas, one after the other: as many as stages times replicas.
    """
    count = len(stages)
    return tuple(
        PipelineReplica(
            begin // count,
            tuple(devices[begin : begin + count]),
            tuple(StageCopy.of(*pair) for pair in zip(stages, devices[begin : begin + count], strict=True)),
        )
        for begin in range(count, len(devices), count)
    )


def merge_states(state: Sequence[Variable], copies: Sequence[StageCopy], began: Sequence[Tensor]) -> None:
    """Merges the states of a stage on all replicas into one, in a graph, in the order of the replicas.

    The values are those that `tf.distribute` saves: the mean of averages, the sum of counters, and otherwise the value
    on the first replica. A floating-point variable without a rule counts as an average.

    Args:
      state: the variables.
      copies: the copies of their stage on each further replica.
      began: the values of `state` at the beginning of the step.
    """
    import tensorflow as tf

    rules, replicas = tf.VariableAggregation, 1 + len(copies)
    for variable, before in zip(state, began, strict=True):
        rule = plain(variable).aggregation
        mean = variable.dtype.is_floating and rule in (rules.MEAN, rules.NONE)
        if not mean and rule != rules.SUM:
            continue
        values = [value_of(one) for one in (variable, *(copy.copy_of(variable) for copy in copies))]
        with tf.device(variable.device):
            total = functools.reduce(operator.add, values)
            variable.assign(total / replicas if mean else total - before * (replicas - 1))


def _empty(variable: Variable, device: str) -> Variable:
    import tensorflow as tf

    like = plain(variable)
    with tf.device(device):
        return tf.Variable(tf.zeros(like.shape, like.dtype), trainable=False, name="replica")
