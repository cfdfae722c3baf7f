"""Datasets -> the batches of all replicas of a process, step by step.

TensorFlow's own way puts an iterator on each device. Where there are several devices, the thread that tunes such an
iterator takes up to a minute to end, one after the other: a process that trained for seconds took minutes to leave.
Here one iterator serves all replicas of a process, with nothing to tune.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Protocol

from limbeck.aliases import Batch, Dataset, DatasetIterator, InputContext, Strategy
from trainer.distribution import strategies


class InputPipeline(Protocol):
    """Where a loop takes its batches from."""

    def start(self) -> DatasetIterator:
        """Returns an iterator over the steps, from the first; also as an argument of a tf.function."""

    def take(self, iterator: DatasetIterator) -> Batch:
        """Returns the next batch of `iterator`, as the step of the loop takes it; called within a tf.function."""


@dataclasses.dataclass(frozen=True)
class PerReplicaPipeline:
    """An `InputPipeline` whose batches are for `strategy.run`: a dataset for each replica, read side by side.

    Attributes:
      strategy: whose replicas take the batches.
      dataset_of: tf.distribute.InputContext -> the dataset of the replica that the context stands for, as if each
        replica had an input pipeline of its own.
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
    """Returns the numbers, within the job, of the replicas that an input pipeline is for."""
    local = strategy.num_replicas_in_sync // context.num_input_pipelines
    first = context.input_pipeline_id * local
    return range(first, first + local)
