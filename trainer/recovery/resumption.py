"""Resumes a training from the newest checkpoint of the same job, after its processes have died.

Every process reads the files itself. On a slow file system, one process may see an older checkpoint than the others,
and gradients of different steps would be added up. So the processes compare what they found before they resume.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from limbeck import events
from limbeck.aliases import KerasModel, Optimizer, Strategy
from limbeck.trainer.fitting.progress import Curve, Fitted
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery import checkpoint, model_state
from limbeck.trainer.recovery.checkpoint_files import State


@dataclasses.dataclass(frozen=True)
class Saved:
    """The checkpoints of one member of a job.

    Attributes:
      job: the job. If its `checkpoint_uri` is None, nothing is saved.
      member: number of the member, from 0.
      strategy: the strategy under which the member is trained.
      is_chief: whether this process is the chief, which writes the checkpoints.
    """

    job: TrainingJob
    member: int
    strategy: Strategy
    is_chief: bool

    def restore(self, model: KerasModel, optimizer: Optimizer, examples_until: Callable[[int], int]) -> Fitted:
        """Sets model and optimizer to the newest checkpoint. Every process must call it.

        Args:
          model: a new tf_keras model.
          optimizer: a new tf_keras optimizer.
          examples_until: takes a number of steps, and returns how many examples this process computed in them.

        Returns:
          What earlier attempts did; an empty `Fitted` if there is no checkpoint.

        Raises:
          PassingFaultError: if processes found different checkpoints.
          TrainingFailedError: if the checkpoint belongs to another model.
        """
        state = checkpoint.latest(self._folder) if self._folder else None
        model_state.assert_agreed(self.strategy, self.member, state.step if state else 0)
        if state is None:
            return Fitted()
        model_state.restore(model, optimizer, state.arrays)
        if self.is_chief:
            events.emit("resumed", entry=self.job.entry, member=self.member, step=state.step)
        curve = Curve(state.curve)
        return Fitted(state.step, examples_until(state.step), state.seconds, curve, state.streak, state.device)

    def hook(self, model: KerasModel, optimizer: Optimizer) -> Callable[[Fitted], None] | None:
        """Returns the function for `limbeck.trainer.fitting.hooks.Hooks.save`; None if nothing is saved."""
        folder = self._folder
        if folder is None:
            return None
        writer = checkpoint.Writer(folder, self.job.checkpoint.keep)

        def save(done: Fitted) -> None:
            # Every process must read, because a value may be distributed over all of them. With stages, one process has
            # all values.
            take = model_state.Reading if self.job.pipelining.is_on else model_state.capture
            arrays = take(model, optimizer)
            if self.is_chief:
                state = State(
                    self.member,
                    done.steps,
                    arrays,
                    done.curve,
                    done.examples,
                    done.seconds,
                    done.streak,
                    done.device,
                )
                writer.save(state)

        return save

    @property
    def _folder(self) -> str | None:
        return checkpoint.folder_of(self.job.checkpoint_uri, self.member) if self.job.checkpoint_uri else None
