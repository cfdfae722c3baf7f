"""Model and optimizer -> named arrays, and back, under any strategy.

A strategy spreads a variable: over devices, over processes, with one value or with a value a replica. What is saved
is the logical value, so that two workers save what one device restores:

  weights/0000 ...              `model.weights`, in order
  optimizer/0000 ...            the optimizer's variables, in order: the step count, slots, a loss scale
  weights_by_replica/0000 ...   only of weights that differ from replica to replica: `[replicas, *shape]`

The last is for exactness. Each replica has statistics of its own in batch normalisation, of which the logical value
is the mean; going on from the mean is right, but not to the last bit what would have been. As many replicas take
each its own again; another number of replicas takes the mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from limbeck.aliases import InputContext, KerasModel, Optimizer, Strategy, Tensor, Variable
from limbeck.errors import PassingFaultError, TaskError, TrainingFailedError
from trainer.distribution import strategies
from trainer.recovery.checkpoint_files import Array, Arrays

WEIGHTS, OPTIMIZER, BY_REPLICA = "weights", "optimizer", "weights_by_replica"


def capture(model: KerasModel, optimizer: Optimizer) -> Arrays:
    """Reads everything that training changes in a tf_keras model and its optimizer.

    Every process of the strategy must call it at the same step, because values are read across processes; all are
    given the same arrays. It changes nothing: training that goes on is as if it had not been called.

    Raises:
      TaskError: where a variable holds texts.
    """
    strategy = model.distribute_strategy
    arrays = {}
    for name, variable in _variables(model, optimizer):
        if variable.dtype.name in ("string", "resource", "variant"):
            raise TaskError(
                f"the variable {variable.name} holds {variable.dtype.name} values, which no checkpoint can hold: keep "
                "them in a layer's configuration"
            )
        arrays[name] = np.array(variable.numpy())
    for name, variable in _local(model, strategy):
        arrays[name] = _by_replica(strategy, variable)
    return arrays


def restore(model: KerasModel, optimizer: Optimizer, arrays: Arrays) -> None:
    """Sets what `capture` read, under whichever strategy the model was built; builds the optimizer where it is not.

    Every process of the strategy must call it, with the same arrays.

    Raises:
      TrainingFailedError: where the arrays are of another model or optimizer. Nothing has changed then.
    """
    strategy = model.distribute_strategy
    variables = dict(_variables(model, optimizer))
    stored = {name for name in arrays if name.partition("/")[0] in (WEIGHTS, OPTIMIZER)}
    if stored != variables.keys():
        odd = sorted(stored.symmetric_difference(variables))
        raise TrainingFailedError(
            f"the checkpoint holds {len(stored)} variables, and the model with its optimizer {len(variables)}, of "
            f"which these have no counterpart: {', '.join(odd)}. It is of another model"
        )
    for name, variable in variables.items():
        _assert_fits(name, variable, arrays[name])
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
    """Compares where all processes are about to go on.

    Processes that do not see the same files would train from different weights, and nothing would fail.

    Raises:
      PassingFaultError: where they differ; a file system that lags behind has caught up when all start again.
    """
    places = np.unique(
        _gather(strategy, [np.array([member, step])] * len(strategies.local_replicas(strategy))), axis=0
    )
    if len(places) > 1:
        told = " and ".join(f"member {member} at step {step}" for member, step in places.tolist())
        raise PassingFaultError(
            f"the processes of the job found different checkpoints: {told}. Checkpoints must lie where every process "
            "can read them"
        )


def _variables(model: KerasModel, optimizer: Optimizer) -> Iterator[tuple[str, Variable]]:
    with strategies.scope(model.distribute_strategy):
        optimizer.build(model.trainable_variables)
    for kind, variables in ((WEIGHTS, _weights(model)), (OPTIMIZER, _optimizer_variables(optimizer))):
        for number, variable in enumerate(variables):
            yield f"{kind}/{number:04d}", variable


def _weights(model: KerasModel) -> list[Variable]:
    """`model.weights` less the vocabularies among them: they are built and adapted with the model, and stay so."""
    return [weight for weight in model.weights if hasattr(weight, "dtype")]


def _optimizer_variables(optimizer: Optimizer) -> list[Variable]:
    """`optimizer.variables` and those that it forgets: Nadam's product, and the loss scale of mixed precision."""
    import tensorflow as tf

    tracked = [one for one in tf.train.TrackableView(optimizer).descendants() if isinstance(one, tf.Variable)]
    return list({id(one): one for one in [*optimizer.variables, *tracked]}.values())


def _local(model: KerasModel, strategy: Strategy) -> Iterator[tuple[str, Variable]]:
    """Weights that have a value of their own on each of several replicas."""
    import tensorflow as tf

    if strategy.num_replicas_in_sync == 1:
        return
    for number, weight in enumerate(_weights(model)):
        spread = isinstance(weight, tf.distribute.DistributedValues)
        if spread and weight.synchronization == tf.VariableSynchronization.ON_READ:
            yield f"{BY_REPLICA}/{number:04d}", weight


def _assert_fits(name: str, variable: Variable, array: Array) -> None:
    wanted = (tuple(variable.shape), variable.dtype.name)
    given = (array.shape, array.dtype.name)
    if wanted != given:
        raise TrainingFailedError(
            f"{variable.name} is of shape {wanted[0]} and type {wanted[1]}, but the checkpoint has for it ({name}) "
            f"shape {given[0]} and type {given[1]}. It is of another model"
        )


def _by_replica(strategy: Strategy, variable: Variable) -> Array:
    parts = strategy.experimental_local_results(variable)
    return _gather(strategy, [part.numpy() for part in parts])


def _gather(strategy: Strategy, parts: Sequence[Array]) -> Array:
    """Arrays of one shape, one a replica of this process -> those of all replicas of the job, `[replicas, *shape]`."""
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync
    mine = dict(zip(strategies.local_replicas(strategy), parts, strict=True))

    def placed(context: InputContext) -> Tensor:
        rows = np.zeros([replicas, *parts[0].shape], parts[0].dtype)
        number = int(context.replica_id_in_sync_group)
        rows[number] = mine[number]
        return tf.constant(rows)

    # A sum of one value and zeros is that value; unlike a gathering it is there under every strategy.
    rows = strategy.experimental_distribute_values_from_function(placed)
    return strategy.reduce(tf.distribute.ReduceOp.SUM, rows, axis=None).numpy()
