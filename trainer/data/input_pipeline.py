"""Datasets -> the batches of all replicas of a process, step by step.

TensorFlow's own way puts an iterator on each device. Where there are several devices, the thread that tunes such an
iterator takes up to a minute to end, one after the other: a process that trained for seconds took minutes to leave.
Here all replicas of a process are fed by one iterator, with nothing to tune.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from trainer.distribution import strategies


@dataclasses.dataclass(frozen=True)
class Feed:
    """Batches for `strategy.run`.

    Attributes:
      strategy: whose replicas are fed.
      dataset_of: tf.distribute.InputContext -> the dataset of the replica that the context stands for, as if each
        replica had an input pipeline of its own.
    """

    strategy: Any
    dataset_of: Callable[[Any], Any]

    def start(self) -> Any:
        """An iterator over the steps, from the first; give it to `take`, also as an argument of a tf.function."""
        import tensorflow as tf

        replicas = self.strategy.num_replicas_in_sync
        contexts = [
            tf.distribute.InputContext(replicas, number, replicas)
            for number in strategies.local_replicas(self.strategy)
        ]
        options = tf.data.Options()
        options.autotune.enabled = False
        return iter(tf.data.Dataset.zip(tuple(map(self.dataset_of, contexts))).with_options(options))

    def take(self, iterator: Any) -> Any:
        """The next step's batch of each replica, as `strategy.run` takes it."""
        batches = iter(iterator.get_next())
        return self.strategy.experimental_distribute_values_from_function(lambda _: next(batches))
