"""Reads a model and its optimizer into named arrays, and sets them again, under any strategy.

A strategy distributes a variable over devices and processes, with one value or with a value for each replica. A copy of
the memory would fit only the same strategy. So the logical values are saved, and one device can restore a checkpoint of
two workers:

  weights/0000 ...              `model.weights`, in order
  optimizer/0000 ...            the optimizer's variables, in order: the step count, slots, the loss scale
  weights_by_replica/0000 ...   weights that differ between replicas, `[replicas, *shape]`

The last group keeps a resumed training exact. In batch normalisation each replica has its own statistics, and their
logical value is the mean. A training that resumes from the mean is correct, but not bit-equal to an uninterrupted one.
So the same number of replicas restores the value of each replica. Another number of replicas restores the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from limbeck.aliases import InputContext, KerasModel, Optimizer, Strategy, Tensor, Variable
from limbeck.errors import PassingFaultError, TaskError, TrainingFailedError
from limbeck.trainer.distribution import strategies
from limbeck.trainer.recovery import array_file
from limbeck.trainer.recovery.array_file import Array, Arrays, ArrayType

WEIGHTS, OPTIMIZER, BY_REPLICA = "weights", "optimizer", "weights_by_replica"


def capture(model: KerasModel, optimizer: Optimizer) -> dict[str, Array]:
    """Reads everything that training changes in a tf_keras model and its optimizer.

    Every process of the strategy must call it at the same step, because values are read across processes. It changes
    nothing in the training.

    Returns:
      The arrays by name, the same in every process. Each has the shape and the dtype of its variable.

    Raises:
      TaskError: if a variable holds texts.
    """
    strategy = model.distribute_strategy
    arrays = {name: np.array(variable.numpy()) for name, variable in _numbers(model, optimizer)}
    for name, variable in _local(model, strategy):
        arrays[name] = _by_replica(strategy, variable)
    return arrays


class Reading(Mapping[str, Array]):
    """The arrays of `capture` for a model and its optimizer without a strategy. Each array is read when it is accessed.

    A model in stages may be larger than the memory of the process that saves it. The training must not go on before all
    arrays are read.
    """

    def __init__(self, model: KerasModel, optimizer: Optimizer) -> None:
        """Reads nothing yet. Errors are those of `capture`."""
        self._variables = dict(_numbers(model, optimizer))

    def __getitem__(self, name: str) -> Array:
        """Reads a variable from any device."""
        return np.asarray(self._variables[name].numpy())

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names, in the order of `capture`."""
        return iter(self._variables)

    def __len__(self) -> int:
        """Returns the number of arrays."""
        return len(self._variables)


def restore(model: KerasModel, optimizer: Optimizer, arrays: Arrays) -> None:
    """Sets the values that `capture` read. The model may be under another strategy. Builds the optimizer if needed.

    Every process of the strategy must call it, with the same arrays.

    Raises:
      TrainingFailedError: if the arrays belong to another model or optimizer. Then nothing is changed.
    """
    strategy = model.distribute_strategy
    variables = dict(_variables(model, optimizer))
    stored = {name for name in arrays if name.partition("/")[0] in (WEIGHTS, OPTIMIZER)}
    if stored != variables.keys():
        odd = sorted(stored.symmetric_difference(variables))
        raise TrainingFailedError(
            f"the checkpoint holds {len(stored)} variables, and the model with its optimizer holds {len(variables)}. "
            f"These have no counterpart: {', '.join(odd)}. The checkpoint is of another model"
        )
    for name, variable in variables.items():
        _assert_fits(variable, array_file.type_of(arrays, name))
    for name, variable in variables.items():
        variable.assign(arrays[name])
    for name, variable in _local(model, strategy):
        values = arrays.get(name)
        if values is not None and len(values) == strategy.num_replicas_in_sync:
            for replica, part in zip(
                strategies.local_replicas(strategy), strategy.experimental_local_results(variable), strict=True
            ):
                part.assign(values[replica])


def assert_agreed(strategy: Strategy, member: int, step: int) -> None:
    """Compares the steps from which all processes resume.

    Processes that do not see the same files would train from different weights, and nothing would fail.

    Args:
      strategy: the strategy of the job. Every process must call this function.
      member: number of the member that this process resumes.
      step: number of its optimizer steps done.

    Raises:
      PassingFaultError: if processes differ. When they start again, a slow file system may have caught up.
    """
    places = np.unique(
        _gather(strategy, [np.array([member, step])] * len(strategies.local_replicas(strategy))), axis=0
    )
    if len(places) > 1:
        told = " and ".join(f"member {member} at step {step}" for member, step in places.tolist())
        raise PassingFaultError(
            f"the processes of the job found different checkpoints: {told}. Checkpoints must be where every process "
            "can read them"
        )


def _variables(model: KerasModel, optimizer: Optimizer) -> Iterator[tuple[str, Variable]]:
    with strategies.scope(model.distribute_strategy):
        optimizer.build(model.trainable_variables)
    for kind, variables in ((WEIGHTS, _weights(model)), (OPTIMIZER, _optimizer_variables(optimizer))):
        for number, variable in enumerate(variables):
            yield f"{kind}/{number:04d}", variable


def _numbers(model: KerasModel, optimizer: Optimizer) -> Iterator[tuple[str, Variable]]:
    """Yields the same as `_variables`. Raises TaskError at a variable that a checkpoint cannot hold."""
    for name, variable in _variables(model, optimizer):
        if variable.dtype.name in ("string", "resource", "variant"):
            raise TaskError(
                f"the variable {variable.name} holds {variable.dtype.name} values, which no checkpoint can hold: keep "
                "them in a layer's configuration"
            )
        yield name, variable


def _weights(model: KerasModel) -> list[Variable]:
    """Returns `model.weights` without vocabularies, which are built with the model and never change."""
    return [weight for weight in model.weights if hasattr(weight, "dtype")]


def _optimizer_variables(optimizer: Optimizer) -> list[Variable]:
    """Returns `optimizer.variables`, and variables that Keras omits there: Nadam's product, and the loss scale."""
    import tensorflow as tf

    tracked = [one for one in tf.train.TrackableView(optimizer).descendants() if isinstance(one, tf.Variable)]
    return list({id(one): one for one in [*optimizer.variables, *tracked]}.values())


def _local(model: KerasModel, strategy: Strategy) -> Iterator[tuple[str, Variable]]:
    """Yields the weights that have a separate value on each of several replicas, with their names."""
    import tensorflow as tf

    if strategy.num_replicas_in_sync == 1:
        return
    for number, weight in enumerate(_weights(model)):
        spread = isinstance(weight, tf.distribute.DistributedValues)
        if spread and weight.synchronization == tf.VariableSynchronization.ON_READ:
            yield f"{BY_REPLICA}/{number:04d}", weight


def _assert_fits(variable: Variable, stored: ArrayType) -> None:
    wanted, given = (tuple(variable.shape), variable.dtype.name), (stored.shape, stored.dtype)
    if wanted != given:
        raise TrainingFailedError(
            f"{variable.name} has shape {wanted[0]} and type {wanted[1]}, but in the checkpoint ({stored.name}) it has "
            f"shape {given[0]} and type {given[1]}. The checkpoint is of another model"
        )


def _by_replica(strategy: Strategy, variable: Variable) -> Array:
    parts = strategy.experimental_local_results(variable)
    return _gather(strategy, [part.numpy() for part in parts])


def _gather(strategy: Strategy, parts: Sequence[Array]) -> Array:
    """Gathers the arrays of all replicas of the job: `[replicas, *shape]`. `parts` are those of this process."""
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync
    mine = dict(zip(strategies.local_replicas(strategy), parts, strict=True))

    def placed(context: InputContext) -> Tensor:
        rows = np.zeros([replicas, *parts[0].shape], parts[0].dtype)
        number = int(context.replica_id_in_sync_group)
        rows[number] = mine[number]
        return tf.constant(rows)

    # A sum of one value and zeros is that value. Unlike a gather operation, every strategy has a sum.
    rows = strategy.experimental_distribute_values_from_function(placed)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, rows, axis=None).numpy()
