"""A `tf.distribute` strategy that sums with Horovod. Import it in a training process alone: it imports TensorFlow.

Horovod matches the tensors of two processes by the names of operations, and fuses tensors that are ready at the same
time. So the fusion depends on timing, and with three processes the order of additions, and so the last bit, depends on
the fusion. An operation in a loop may even begin before the same operation of the previous step has ended, which
Horovod refuses. Here the values of a call are one flat tensor, fusion is off, and a variable forces the operations of a
process into the order of the program. Then a sum depends only on the values and the number of processes.

Gloo's ring is that of Patarasuk and Yuan (2009), "Bandwidth optimal all-reduce algorithms for clusters of
workstations".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import horovod.tensorflow as hvd
import tensorflow as tf
from tensorflow.python.distribute import collective_all_reduce_strategy, cross_device_ops
from tensorflow.python.distribute.collective_util import Options

from limbeck.aliases import Gradient, Tensor
from limbeck.errors import ConfigError
from limbeck.strategies import horovod_meeting

_CPU = "/device:CPU:0"
# Horovod broadcasts no other types. TensorFlow broadcasts those.
_BROADCAST = (
    tf.uint8, tf.int8, tf.uint16, tf.int16, tf.int32, tf.int64, tf.float16, tf.float32, tf.float64, tf.bool,
)  # fmt: skip


class HorovodStrategy(tf.distribute.MultiWorkerMirroredStrategy):
    """A replica in each process of the cluster in TF_CONFIG.

    TensorFlow's runtime holds the cluster together, as under the base class: it tells who is alive, and passes on short
    texts. Values are summed, and first values are broadcast, by Horovod. Keras knows the strategies that it trains in
    float16 by their classes, so this is one of them.
    """

    def __init__(self) -> None:
        """Joins the cluster. Blocks until every process has joined."""
        extended = _Extended(self, tf.distribute.cluster_resolver.TFConfigClusterResolver(), Options())
        # Not the constructor of the base class, which would make its own way to sum.
        tf.distribute.Strategy.__init__(self, extended)


class _Extended(collective_all_reduce_strategy.CollectiveAllReduceExtended):
    """What MultiWorkerMirroredStrategy is made of, with another way to sum and to broadcast."""

    def _initialize_local(self, cluster_resolver: Any, devices: Sequence[str] | None = None) -> None:
        """Refuses a process without a cluster. The base class would train alone, and without Horovod."""
        raise ConfigError(
            "strategy 'horovod' finds its processes in TF_CONFIG, which this process does not have: start it by a "
            "launcher, or take strategy.name=one_device"
        )

    def _initialize_multi_worker(self, cluster_resolver: Any) -> None:
        super()._initialize_multi_worker(cluster_resolver)
        spec, rank = cluster_resolver.cluster_spec(), self._id_in_cluster
        chief, first_worker = spec.task_address("chief", 0), spec.task_address("worker", 0)
        server = horovod_meeting.server_for(chief.rpartition(":")[0], rank == 0)
        interface = horovod_meeting.interface_to(first_worker if rank == 0 else chief)
        os.environ |= horovod_meeting.variables(rank, self._num_workers, server, interface)
        # If they do not meet in time, Horovod aborts the process, and the launcher starts all of them again.
        hvd.init()
        self._ring = Ring()
        self._cross_device_ops = _RingOperations(
            self._devices, self._num_workers, self._communication_options, self._collective_keys, self._ring
        )
        self._host_cross_device_ops = self._cross_device_ops

    def _get_variable_creator_initial_value(
        self, replica_id: int, device: str | None, primary_var: Any, **options: Any
    ) -> Any:
        """Returns a function that returns the first rank's initial value of a variable."""
        given = options["initial_value"]

        def initial_value() -> Tensor:
            value = given() if callable(given) else given
            value = tf.convert_to_tensor(getattr(value, "wrapped_value", value), options.get("dtype"))
            if value.dtype in _BROADCAST:
                return self._ring.broadcast(value)
            others: Any = super(_Extended, self)._get_variable_creator_initial_value(
                replica_id, device, primary_var, **options | {"initial_value": value}
            )
            return others()

        return initial_value


class _RingOperations(cross_device_ops.CollectiveAllReduce):
    """What a `tf.distribute` strategy calls to sum values over processes."""

    def __init__(self, devices: Sequence[str], processes: int, options: Options, keys: Any, ring: Ring) -> None:
        super().__init__(devices, processes, options, keys)
        self._ring, self._processes = ring, processes

    def _all_reduce(self, reduce_op: Any, value: Any, replica_id: int, options: Options) -> Any:
        """Reduces a tensor, or a structure of tensors, over all processes. Gradients in slices become dense."""
        flat = tf.nest.flatten(value)
        summed = self._ring.sums([tf.convert_to_tensor(one) for one in flat])
        if reduce_op == tf.distribute.ReduceOp.MEAN:
            summed = [one / tf.cast(self._processes, one.dtype) for one in summed]
        return tf.nest.pack_sequence_as(value, summed)


class Ring:
    """Horovod's operations, one behind the other. Every process must ask for the same ones, in the same order."""

    def __init__(self) -> None:
        """Makes the variable that orders operations. Call it when Horovod is initialised."""
        with tf.device(_CPU):
            self._turn = tf.Variable(0, dtype=tf.int64, trainable=False, name="horovod_turn")

    def sums(self, values: Sequence[Gradient]) -> list[Tensor]:
        """Sums each tensor over all processes.

        Args:
          values: tensors of integers or floating point, of any shapes. A tensor has the same shape in every process.

        Returns:
          The sums, in the order of `values`: one operation for all of a dtype.
        """
        found: dict[int, Tensor] = {}
        for dtype in dict.fromkeys(value.dtype for value in values):
            places = [place for place, value in enumerate(values) if value.dtype == dtype]
            mine = [values[place] for place in places]
            flat = tf.concat([tf.reshape(one, [-1]) for one in mine], axis=0)
            summed = self._in_turn(flat, "sum", lambda one, name: hvd.allreduce(
                one, op=hvd.Sum, name=name, ignore_name_scope=True
            ))  # fmt: skip
            parts = tf.split(summed, [tf.size(one) for one in mine], num=len(mine))
            for place, part, one in zip(places, parts, mine, strict=True):
                shaped = tf.reshape(part, tf.shape(one))
                shaped.set_shape(one.shape)
                found[place] = shaped
        return [found[place] for place in range(len(values))]

    def broadcast(self, value: Tensor) -> Tensor:
        """Returns the first rank's value, a tensor that has the same shape and dtype in every process."""
        return self._in_turn(value, "first", lambda one, name: hvd.broadcast(
            one, root_rank=0, name=name, ignore_name_scope=True
        ))  # fmt: skip

    def _in_turn(self, value: Tensor, what: str, operation: Any) -> Tensor:
        """Does an operation when those before it are done, and before those after it."""
        # A name for each size, because Horovod remembers the shape of a name.
        name = f"{what}.{value.dtype.name}." + "x".join(str(size) for size in value.shape)
        with tf.device(_CPU):
            with tf.control_dependencies([self._turn.read_value()]):
                mine = tf.identity(value)
            made: Tensor = operation(mine, name)
            with tf.control_dependencies([made]):
                self._turn.assign_add(1)
        return made
