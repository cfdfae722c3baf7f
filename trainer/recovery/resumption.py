"""What a training goes on from after its processes have died: the newest checkpoint of the very same job.

Where to go on is decided by every process for itself, from the same files, and then held against the others: one that
read an older checkpoint, from a file system that lags behind, would add gradients of other steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from limbeck import events
from limbeck.aliases import KerasModel, Optimizer, Strategy
from trainer.fitting.progress import Curve, Fitted
from trainer.job import TrainingJob
from trainer.recovery import checkpoint
from trainer.recovery import model_state as checkpoint_state


@dataclasses.dataclass(frozen=True)
class Saved:
    """The checkpoints of one member of a job.

    Attributes:
      job: where its `checkpoint_uri` is None, nothing is kept.
      member: number of the member.
      strategy: that it is trained under.
      is_chief: whether this process writes.
    """

    job: TrainingJob
    member: int
    strategy: Strategy
    is_chief: bool

    def restore(self, model: KerasModel, optimizer: Optimizer, examples_until: Callable[[int], int]) -> Fitted:
        """Brings model and optimizer to the newest checkpoint; to be called by every process.

        Args:
          model: as it was built.
          optimizer: built likewise.
          examples_until: steps done -> examples that this process computed in them.

        Returns:
          What was done up to there; nothing, where there is no checkpoint.

        Raises:
          PassingFaultError: where processes found different checkpoints.
          TrainingFailedError: where one is of another model.
        """
        state = checkpoint.latest(self._folder) if self._folder else None
        checkpoint_state.assert_agreed(self.strategy, self.member, state.step if state else 0)
        if state is None:
            return Fitted()
        checkpoint_state.restore(model, optimizer, state.arrays)
        if self.is_chief:
            events.emit("resumed", entry=self.job.entry, member=self.member, step=state.step)
        return Fitted(state.step, examples_until(state.step), state.seconds, Curve(state.curve), state.streak)

    def hook(self, model: KerasModel, optimizer: Optimizer) -> Callable[[Fitted], None] | None:
        """What `trainer.fitting.hooks.Hooks.save` takes; None where nothing is kept."""
        folder = self._folder
        if folder is None:
            return None
        writer = checkpoint.Writer(folder, self.job.checkpoint.keep)

        def save(done: Fitted) -> None:
            # Every process reads: a value may be spread over all of them.
            arrays = checkpoint_state.capture(model, optimizer)
            if self.is_chief:
                state = checkpoint.State(
                    self.member, done.steps, arrays, done.curve, done.examples, done.seconds, done.streak
                )
                writer.save(state)

        return save

    @property
    def _folder(self) -> str | None:
        return checkpoint.folder_of(self.job.checkpoint_uri, self.member) if self.job.checkpoint_uri else None
