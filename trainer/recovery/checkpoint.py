"""The checkpoints of one member of a job: written while it trains, the newest that is whole read when it goes on.

A reader that takes the newest file goes on from half a model where a save was interrupted. Here a reader checks
everything (`trainer.recovery.checkpoint_files`). If something is wrong, it says so and takes the next older checkpoint.
One process writes into a folder at a time; any number may read.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from limbeck.errors import ConfigError, PassingFaultError, TrainingFailedError
from trainer.recovery import checkpoint_files, curve_files, storage_faults
from trainer.recovery.checkpoint_files import ARRAYS, UNFINISHED, DamagedCheckpointError, State
from trainer.recovery.curve_files import Chain

_log = logging.getLogger(__name__)


def folder_of(checkpoint_uri: str, member: int) -> str:
    """The folder of one member's checkpoints, below that of its job."""
    return f"{checkpoint_uri.rstrip('/')}/member-{member}"


class Writer:
    """Writes the checkpoints of one member, as long as one process trains it."""

    def __init__(self, folder_uri: str, keep: int, wait: Callable[[float], None] = time.sleep) -> None:
        """Takes where to, and how many.

        Args:
          folder_uri: made where it is missing.
          keep: checkpoints to keep, at least 1.
          wait: pauses for so many seconds before a save is tried again.
        """
        if keep < 1:
            raise ConfigError(f"at least one checkpoint must be kept, received keep={keep}")
        self._folder, self._keep, self._wait, self._chain = folder_uri, keep, wait, Chain()

    def save(self, state: State) -> None:
        """Writes a checkpoint; it becomes the latest, and the oldest above `keep` go, as does what killed saves left.

        What the folder holds of later steps goes too: it could not be read, or training would have gone on from
        there. A fault of storage that may pass is tried again a few times, over some seconds.

        Args:
          state: what to keep. It holds no NaN in `weights/` or `optimizer/`; its curve begins with that of the state
            that was saved before.

        Raises:
          ValueError: where an array holds Python objects.
          PassingFaultError: where it cannot be written now, because storage is away.
          TrainingFailedError: where a weight is NaN, or where it cannot be written, for one because the disk is full.
            The checkpoints from before are as they were.
        """
        import tensorflow as tf

        _assert_numbers(state)
        what = f"to write the checkpoint of step {state.step}"
        try:
            storage_faults.patiently(lambda: self._save(state), what, wait=self._wait)
        except (tf.errors.OpError, OSError) as error:
            with contextlib.suppress(tf.errors.OpError):
                _remove_leftovers(self._folder)
            raise _error_of(error, self._folder, state.step) from error

    def _save(self, state: State) -> None:
        import tensorflow as tf

        tf.io.gfile.makedirs(self._folder)
        _remove_leftovers(self._folder)
        self._chain = curve_files.extend(self._folder, self._chain, state.curve, state.step)
        checkpoint_files.write(self._folder, state, self._chain.last)
        _remove_old(self._folder, state.step, self._keep)


def save(folder_uri: str, state: State, keep: int) -> None:
    """Writes one checkpoint, with its whole curve; otherwise as `Writer.save`."""
    Writer(folder_uri, keep).save(state)


def _error_of(error: Exception, folder: str, step: int) -> TrainingFailedError:
    kind = PassingFaultError if storage_faults.may_pass(error) else TrainingFailedError
    reason = getattr(error, "message", None) or str(error)
    return kind(
        f"the checkpoint of step {step} cannot be written to {folder}: {reason}. Those of earlier steps are unharmed: "
        "make room, or mend the path, and start again to go on from the latest"
    )


def latest(folder_uri: str) -> State | None:
    """Reads the newest checkpoint that is whole; None where there is none. Warns of each that it passes over.

    Raises:
      tensorflow.errors.OpError: where the folder cannot be read, for one because access is denied: that is no reason
        to begin from the start.
    """
    for step in sorted(checkpoint_files.steps(folder_uri), reverse=True):
        try:
            return checkpoint_files.read(folder_uri, step)
        except DamagedCheckpointError as reason:
            _log.warning("the checkpoint of step %d in %s is passed over: %s", step, folder_uri, reason)
    return None


def _assert_numbers(state: State) -> None:
    for name, array in state.arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"{name} holds Python objects, and a checkpoint is never pickled")
        # NaN alone: a model may well hold an infinite constant.
        if name.startswith(("weights/", "optimizer/")) and array.dtype.kind in "fc" and np.isnan(array).any():
            raise TrainingFailedError(
                f"after step {state.step} the values of {name} are not numbers any more, so no checkpoint is made of "
                "them: lower training.learning_rate, or look for extreme values in the model's inputs"
            )


def _remove_old(folder: str, newest: int, keep: int) -> None:
    """Takes a manifest before its arrays: one that stands promises that they are there."""
    import tensorflow as tf

    steps = checkpoint_files.steps(folder)
    kept = sorted(step for step in steps if step <= newest)[-keep:]
    for step in steps.difference(kept):
        tf.io.gfile.remove(checkpoint_files.manifest_path(folder, step))
    _remove_leftovers(folder)


def _remove_leftovers(folder: str) -> None:
    """Removes what no manifest knows: files of saves that did not come to their end, arrays that were replaced."""
    import tensorflow as tf

    known = set(_known_files(folder))
    for name in checkpoint_files.names(folder):
        if name.startswith(UNFINISHED) or (ARRAYS.fullmatch(name) and name not in known):
            with contextlib.suppress(tf.errors.NotFoundError):
                tf.io.gfile.remove(f"{folder}/{name}")


def _known_files(folder: str) -> Iterator[str]:
    for step in checkpoint_files.steps(folder):
        with contextlib.suppress(DamagedCheckpointError):
            yield checkpoint_files.read_manifest(folder, step).file
