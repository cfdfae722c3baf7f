"""Computes which replica uses which examples at which step: arithmetic on positions, without data or TensorFlow.

The obvious `list_files().shuffle().shard()` gives batches that depend on how the examples were cut into files, on the
order in which they were written, and on the number of workers. So no two runs could be compared, and no training could
be resumed exactly. Here a batch is a pure function of (ids, seed, step, replica).

An epoch is a permutation of the examples, and all epochs are laid end to end. With the global batch size B, step s uses
the positions [s*B, (s+1)*B), and replica r of R uses the r-th part of them. So every epoch uses each example once, and
all batches are full except the last one of all.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from limbeck.trainer.data.permutation import Positions, permuted


@dataclasses.dataclass(frozen=True)
class Order:
    """The order in which a training uses its examples.

    Attributes:
      examples: number of examples of the split.
      batch_size: examples in a global batch.
      epochs: number of passes over the split.
      seed: seed of the permutations; None leaves the examples in the order of the index.
    """

    examples: int
    batch_size: int
    epochs: int
    seed: int | None

    @property
    def positions(self) -> int:
        """Number of positions in all epochs together."""
        return self.examples * self.epochs

    @property
    def steps(self) -> int:
        """Number of optimizer steps."""
        return -(-self.positions // self.batch_size)

    @property
    def full_steps(self) -> int:
        """Number of optimizer steps with a full batch: all, or all but the last one."""
        return self.positions // self.batch_size

    def positions_of(self, steps: range) -> Positions:
        """Returns the positions of consecutive global batches, one after the other: int64."""
        begin, end = steps.start * self.batch_size, steps.stop * self.batch_size
        return np.arange(begin, min(end, self.positions), dtype=np.int64)

    def progress(self, step: int) -> float:
        """Returns how far a training is at a step: 0 at the first step, 1 at the last; 0 if there is only one step."""
        return step / (self.steps - 1) if self.steps > 1 else 0.0

    def next_epoch_end(self, step: int) -> int:
        """Returns the first step count above `step` at which one more epoch is complete."""
        finished = step * self.batch_size // self.examples
        return -(-(finished + 1) * self.examples // self.batch_size)

    def global_batch(self, step: int) -> Positions:
        """Returns the positions of the global batch of a step: int64 `[at most batch_size]`."""
        return self.positions_of(range(step, step + 1))

    def share(self, step: int, replica: int, replicas: int) -> slice:
        """Returns the part of the global batch of a step that one of `replicas` replicas computes; it may be empty."""
        size = len(self.global_batch(step))
        return slice(size * replica // replicas, size * (replica + 1) // replicas)

    def rows(self, positions: Positions) -> Positions:
        """Returns the row of the index at each of `positions`: int64 `[positions]`, in each epoch a permutation."""
        return self._permuted(positions, 0)

    def partners(self, positions: Positions) -> Positions:
        """Returns the row of the example that each of `positions` is mixed with: int64 `[positions]`.

        Each example is a partner once in each epoch. The partner does not depend on how a batch is divided.
        """
        return self._permuted(positions, 1)

    def _permuted(self, positions: Positions, stream: int) -> Positions:
        epochs, offsets = np.divmod(positions, self.examples)
        if self.seed is None:
            return offsets
        rows = np.empty_like(offsets)
        for epoch in np.unique(epochs):
            now = epochs == epoch
            key = (self.seed, int(epoch), stream) if stream else (self.seed, int(epoch))
            rows[now] = permuted(offsets[now], self.examples, key)
        return rows
