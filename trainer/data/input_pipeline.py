"""Gives each replica of a process its batches, step by step.

TensorFlow puts an iterator on each device, and each iterator has a thread that tunes it. Such a thread takes up to a
minute to end, and several threads end one after the other. So a process that trained for seconds took minutes to end.
Here one iterator serves all replicas of a process, without tuning.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

from limbeck.aliases import Batch, Dataset, DatasetIterator, InputContext, Strategy
from limbeck.trainer.distribution import strategies


class InputPipeline(Protocol):
    """The source of a training loop's batches."""

    def start(self) -> DatasetIterator:
        """Returns an iterator over the steps, from the first. It can be an argument of a tf.function."""

    def take(self, iterator: DatasetIterator) -> Batch:
        """Returns the next batch, as the loop's step takes it. It is called within a tf.function."""


@dataclasses.dataclass(frozen=True)
class PerReplicaPipeline:
    """An `InputPipeline` whose batches are arguments of `strategy.run`. Each replica has its own dataset.

    Attributes:
      strategy: the strategy whose replicas take the batches.
      dataset_of: takes the tf.distribute.InputContext of one replica, and returns the dataset of this replica.
    """

    strategy: Strategy
    dataset_of: Callable[[InputContext], Dataset]

    def start(self) -> DatasetIterator:
        """Returns an iterator over the steps, from the first."""
        import tensorflow as tf

        replicas = self.strategy.num_replicas_in_sync
        contexts = [
            tf.distribute.InputContext(replicas, number, replicas)
            for number in strategies.local_replicas(self.strategy)
        ]
        options = tf.data.Options()
        options.autotune.enabled = False
        return iter(tf.data.Dataset.zip(tuple(map(self.dataset_of, contexts))).with_options(options))

    def take(self, iterator: DatasetIterator) -> Batch:
        """Returns the next step's batch of each replica, as `strategy.run` takes it."""
        batches = iter(iterator.get_next())
        return self.strategy.experimental_distribute_values_from_function(lambda _: next(batches))


def replicas_of(strategy: Strategy, context: InputContext) -> range:
    """Returns the numbers, within the job, of the replicas that an input pipeline serves."""
    local = strategy.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * local
    return range(first, first + local)
