"""Writes the checkpoints of one member of a job, and finds the newest complete one.

If a save was interrupted, a reader that takes the newest file resumes from half a model, or not at all. Here a reader
checks everything (`limbeck.trainer.recovery.checkpoint_files`). If something is wrong, it logs a warning and takes the
next older checkpoint. The curve is only shown, so a damaged part of it costs its points, and not the checkpoint. Only
one process may write into a folder at a time. Any number of processes may read.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator

import numpy as np

from limbeck import files
from limbeck.errors import ConfigError, PassingFaultError, TrainingFailedError
from limbeck.trainer.recovery import checkpoint_files, curve_files, storage_faults
from limbeck.trainer.recovery.array_file import Array
from limbeck.trainer.recovery.checkpoint_files import ARRAYS, DamagedCheckpointError, State
from limbeck.trainer.recovery.curve_files import Chain

_log = logging.getLogger(__name__)


def folder_of(checkpoint_uri: str, member: int) -> str:
    """Returns the folder of one member's checkpoints, below the folder of its job."""
    return f"{checkpoint_uri.rstrip('/')}/member-{member}"


class Writer:
    """Writes the checkpoints of one member. The process that trains the member has one writer for it."""

    def __init__(self, folder_uri: str, keep: int, wait: Callable[[float], None] = time.sleep) -> None:
        """Takes the folder. Writes nothing yet.

        Args:
          folder_uri: folder of the checkpoints. The first save makes it if it is missing.
          keep: number of checkpoints to keep, at least 1.
          wait: pauses for a number of seconds, before a save is tried again.

        Raises:
          ConfigError: if `keep` is below 1.
        """
        if keep < 1:
            raise ConfigError(f"at least one checkpoint must be kept, received keep={keep}")
        self._folder, self._keep, self._wait, self._chain = folder_uri, keep, wait, Chain()

    def save(self, state: State) -> None:
        """Writes a checkpoint, which becomes the latest. Removes the oldest ones, so that `keep` checkpoints are left.

        It also removes what killed saves left, and checkpoints of later steps: they could not be read, or training
        would have resumed from them. If storage has a fault that may pass, it tries again a few times, over some
        seconds.

        Args:
          state: what to save. Its curve must begin with the curve of the state that was saved before.

        Raises:
          ValueError: if an array holds Python objects.
          PassingFaultError: if the checkpoint cannot be written now, because storage is not available.
          TrainingFailedError: if an array of the model or the optimizer contains NaN, or if the checkpoint cannot be
            written, for example because the disk is full. Earlier checkpoints stay as they are.
        """
        what = f"writing the checkpoint of step {state.step}"
        try:
            storage_faults.patiently(lambda: self._save(state), what, wait=self._wait)
        except OSError as error:
            with contextlib.suppress(OSError):
                _remove_leftovers(self._folder)
            raise _error_of(error, self._folder, state.step) from error
        except (ValueError, TrainingFailedError):
            with contextlib.suppress(OSError):
                _remove_leftovers(self._folder)
            raise

    def _save(self, state: State) -> None:
        files.make_folder(self._folder)
        _remove_leftovers(self._folder)
        self._chain = curve_files.extend(self._folder, self._chain, state.curve, state.step)
        checkpoint_files.write(
            self._folder, state, self._chain.last, functools.partial(_assert_numbers, state.step)
        )
        _remove_old(self._folder, state.step, self._keep)


def save(folder_uri: str, state: State, keep: int) -> None:
    """Writes one checkpoint with its whole curve. Args and errors are those of `Writer` and `Writer.save`."""
    Writer(folder_uri, keep).save(state)


def _error_of(error: OSError, folder: str, step: int) -> TrainingFailedError:
    kind = PassingFaultError if storage_faults.may_pass(error) else TrainingFailedError
    reason = error.strerror or str(error)
    return kind(
        f"the checkpoint of step {step} cannot be written to {folder}: {reason}. Earlier checkpoints are unharmed: "
        "make room, or correct the path, and start again to resume from the latest"
    )


def latest(folder_uri: str) -> State | None:
    """Reads the newest complete checkpoint; returns None if there is none. Logs a warning for each damaged one.

    Raises:
      OSError: if the folder cannot be read, for example because access is denied. Training must not begin from the
        start then.
    """
    for step in sorted(checkpoint_files.steps(folder_uri), reverse=True):
        try:
            return checkpoint_files.read(folder_uri, step)
        except DamagedCheckpointError as reason:
            _log.warning("the checkpoint of step %d in %s is passed over: %s", step, folder_uri, reason)
    return None


def _assert_numbers(step: int, name: str, array: Array) -> None:
    if array.dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, and a checkpoint is never pickled")
    # Infinite values are allowed, because a model may hold an infinite constant.
    if name.startswith(("weights/", "optimizer/")) and array.dtype.kind in "fc" and np.isnan(array).any():
        raise TrainingFailedError(
            f"after step {step}, {name} contains values that are not numbers (NaN), so no checkpoint is written: lower "
            "training.learning_rate, or look for extreme values in the model's inputs"
        )


def _remove_old(folder: str, newest: int, keep: int) -> None:
    """Removes old checkpoints. A manifest is removed before its arrays, because it promises that they exist."""
    steps = checkpoint_files.steps(folder)
    kept = sorted(step for step in steps if step <= newest)[-keep:]
    for step in steps.difference(kept):
        files.remove(checkpoint_files.manifest_path(folder, step))
    _remove_leftovers(folder)


def _remove_leftovers(folder: str) -> None:
    """Removes the files that no manifest names: files of interrupted saves, and arrays that were replaced."""
    known = set(_known_files(folder))
    for name in files.names(folder):
        if name.startswith(files.UNFINISHED) or (ARRAYS.fullmatch(name) and name not in known):
            files.remove(f"{folder}/{name}", missing_ok=True)


def _known_files(folder: str) -> Iterator[str]:
    for step in checkpoint_files.steps(folder):
        with contextlib.suppress(DamagedCheckpointError):
            yield checkpoint_files.read_manifest(folder, step).file
