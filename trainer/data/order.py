"""Which examples are computed at which step by which replica: arithmetic on positions, without data or TensorFlow.

The obvious `list_files().shuffle().shard()` gives batches that depend on how the files happened to be cut, on the order
an example generator happened to write, and on how many workers read: nothing can be compared or resumed exactly. Here
a batch is a pure function of (ids, seed, step, replica).

An epoch is a permutation of the examples. All epochs are laid end to end; step s takes the global batch at positions
[s*B, (s+1)*B), and replica r of R the r-th part of it. So every epoch sees each example once, and all batches are full
but the very last.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Order:
    """Which examples a replica computes at each step.

    Attributes:
      examples: size of the training split.
      batch_size: global batch size.
      epochs: passes over the split.
      seed: of the permutations; None leaves the examples in the order of the index.
    """

    examples: int
    batch_size: int
    epochs: int
    seed: int | None

    @property
    def positions(self) -> int:
        """All positions of all epochs."""
        return self.examples * self.epochs

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return -(-self.positions // self.batch_size)

    def next_epoch_end(self, step: int) -> int:
        """The first step count above `step` by which an epoch has been seen as a whole."""
        finished = step * self.batch_size // self.examples
        return -(-(finished + 1) * self.examples // self.batch_size)

    def global_batch(self, step: int) -> Positions:
        """Positions of the global batch of a step: int64 `[at most batch_size]`."""
        begin = step * self.batch_size
        return np.arange(begin, min(begin + self.batch_size, self.positions), dtype=np.int64)

    def share(self, step: int, replica: int, replicas: int) -> slice:
        """The part of a global batch that one replica of several computes."""
        size = len(self.global_batch(step))
        return slice(size * replica // replicas, size * (replica + 1) // replicas)

    def rows(self, positions: Positions) -> Positions:
        """Index rows at `positions`: a permutation of all rows within each epoch."""
        epochs, offsets = np.divmod(positions, self.examples)
        if self.seed is None:
            return offsets
        rows = np.empty_like(offsets)
        for epoch in np.unique(epochs):
            now = epochs == epoch
            rows[now] = _permutation(self.examples, self.seed, int(epoch))[offsets[now]]
        return rows


# A batch at a seam needs two epochs; the next batches are looked up ahead of time.
@functools.lru_cache(maxsize=3)
def _permutation(examples: int, seed: int, epoch: int) -> Positions:
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, epoch])))
    return generator.permutation(examples).astype(np.int64)
