"""What a training needs to go on after it died, kept in files that are whole or are passed over.

A process is killed in the middle of a save, a disk fills, a byte rots: a reader that takes the newest file then goes
on from half a model, or not at all. TensorFlow's own checkpoints are tied to the objects and the strategy that wrote
them, and have no check sums. Here a checkpoint is a set of named arrays that knows of neither:

  step-00000120.<digest>.npz    the arrays, as NumPy writes them, never pickled; named by their content
  step-00000120.json            the manifest: counters, and of the arrays size, SHA-256, shapes and types
  curve/                        the loss curve, in parts that the manifest names (`trainer.recovery.curve_files`)

Both are written out of sight (`.unfinished-...`) and renamed, the manifest last: what has no manifest does not exist.
A manifest is replaced in one step, and arrays are never overwritten by others, so a step may be saved twice. A reader
checks everything and, where something is wrong, says so and takes the next older one. Paths are whatever
`limbeck.files` knows. One process writes into a folder at a time; any number may read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import logging
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError, PassingFaultError, TrainingFailedError
from limbeck.records import STRICT, from_json, to_json
from trainer.fitting.progress import TrainingProgress
from trainer.recovery import curve_files, storage_faults
from trainer.recovery.curve_files import Chain, DamagedCurveError

_log = logging.getLogger(__name__)
_SCHEMA_VERSION = 2
_MANIFEST = re.compile(r"step-(\d{8,})\.json")
_ARRAYS = re.compile(r"step-\d{8,}\.[0-9a-f]{16}\.npz")
_PIECE_BYTES = 1 << 20

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """Where one member of a job stands after `step` optimizer steps.

    Attributes:
      member: number of the member.
      step: optimizer steps done.
      arrays: by name, as `trainer.recovery.model_state.capture` makes them; names are parts joined by `/`.
      curve: reports up to here.
      examples: that the saving process computed gradients of up to here.
      seconds: of training up to here, over all tries.
    """

    member: int
    step: int
    arrays: Arrays
    curve: Sequence[TrainingProgress] = ()
    examples: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, config=STRICT)
class _Array:
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, config=STRICT)
class _Manifest:
    schema_version: int
    member: int
    step: int
    file: str
    bytes: int
    sha256: str
    arrays: tuple[_Array, ...]
    curve: str | None
    examples: int
    seconds: float


class _DamagedError(Exception):
    """This checkpoint cannot be used."""


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
        _assert_numbers(state)
        what = f"to write the checkpoint of step {state.step}"
        try:
            storage_faults.patiently(lambda: self._save(state), what, wait=self._wait)
        except OSError as error:
            with contextlib.suppress(OSError):
                _remove_leftovers(self._folder)
            raise _error_of(error, self._folder, state.step) from error

    def _save(self, state: State) -> None:
        files.make_folder(self._folder)
        _remove_leftovers(self._folder)
        self._chain = curve_files.extend(self._folder, self._chain, state.curve, state.step)
        _write(self._folder, state, self._chain.last)
        _remove_old(self._folder, state.step, self._keep)


def save(folder_uri: str, state: State, keep: int) -> None:
    """Writes one checkpoint, with its whole curve; otherwise as `Writer.save`."""
    Writer(folder_uri, keep).save(state)


def _error_of(error: OSError, folder: str, step: int) -> TrainingFailedError:
    kind = PassingFaultError if storage_faults.may_pass(error) else TrainingFailedError
    reason = error.strerror or str(error)
    return kind(
        f"the checkpoint of step {step} cannot be written to {folder}: {reason}. Those of earlier steps are unharmed: "
        "make room, or mend the path, and start again to go on from the latest"
    )


def latest(folder_uri: str) -> State | None:
    """Reads the newest checkpoint that is whole; None where there is none. Warns of each that it passes over.

    Raises:
      OSError: where the folder cannot be read, for one because access is denied: that is no reason to begin from the
        start.
    """
    for step in sorted(_steps(folder_uri), reverse=True):
        try:
            return _read(folder_uri, step)
        except _DamagedError as reason:
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


def _write(folder: str, state: State, curve: str | None) -> None:
    unfinished = f"{folder}/{files.UNFINISHED}{state.step:08d}.npz"
    with files.open_to_write(unfinished) as file:
        stream = _HashingStream(file)
        np.savez(stream, **{name: _plain(array) for name, array in state.arrays.items()})
    digest = stream.sha256.hexdigest()
    name = f"step-{state.step:08d}.{digest[:16]}.npz"
    files.rename(unfinished, f"{folder}/{name}")
    described = tuple(_Array(name, array.shape, array.dtype.name) for name, array in state.arrays.items())
    manifest = _Manifest(
        schema_version=_SCHEMA_VERSION,
        member=state.member,
        step=state.step,
        file=name,
        bytes=stream.bytes,
        sha256=digest,
        arrays=described,
        curve=curve,
        examples=state.examples,
        seconds=state.seconds,
    )
    unfinished = f"{folder}/{files.UNFINISHED}{state.step:08d}.json"
    files.write_text(unfinished, to_json(manifest))
    files.rename(unfinished, _manifest(folder, state.step))


class _HashingStream(io.RawIOBase):
    """A stream that can only be written to, and so is written from front to back.

    After a failure it takes what it is given and drops it: the archive ends itself once more when it is collected,
    and the file is closed by then.
    """

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file, self.sha256, self.bytes, self._failed = file, hashlib.sha256(), 0, False

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.sha256.update(piece)
        self.bytes += len(piece)
        if not self._failed:
            self._failed = True
            self._file.write(piece)
            self._failed = False
        return len(piece)


def _plain(array: Array) -> Array:
    """A type that NumPy itself does not have, such as bfloat16, goes as bytes; the manifest knows its name."""
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def _read(folder: str, step: int) -> State:
    manifest = _read_manifest(folder, step)
    arrays = _read_arrays(f"{folder}/{manifest.file}", manifest)
    try:
        curve = curve_files.read(folder, manifest.curve)
    except DamagedCurveError as error:
        raise _DamagedError(str(error)) from None
    return State(manifest.member, step, arrays, curve, manifest.examples, manifest.seconds)


def _read_manifest(folder: str, step: int) -> _Manifest:
    try:
        text = files.read_text(_manifest(folder, step))
        version = json.loads(text)["schema_version"]
        if version != _SCHEMA_VERSION:
            raise _DamagedError(f"it has schema version {version}, and this program reads {_SCHEMA_VERSION}")
        manifest = from_json(_Manifest, text)
    except FileNotFoundError:
        raise _DamagedError("its manifest has gone") from None
    except (ConfigError, ValueError, KeyError, TypeError) as error:
        raise _DamagedError(f"its manifest is damaged ({error})") from None
    if manifest.step != step or not _ARRAYS.fullmatch(manifest.file):
        raise _DamagedError(f"its manifest is of step {manifest.step} and file {manifest.file}")
    return manifest


def _read_arrays(path: str, manifest: _Manifest) -> Arrays:
    try:
        size, sha256 = _size_and_digest(path)
        if (size, sha256) != (manifest.bytes, manifest.sha256):
            raise _DamagedError(
                f"its arrays should be {manifest.bytes} bytes with SHA-256 {manifest.sha256[:12]}, but are {size} "
                f"bytes with {sha256[:12]}"
            )
        with files.open_to_read(path) as file, np.load(file, allow_pickle=False) as stored:
            arrays = {one.name: _typed(stored[one.name], one.dtype) for one in manifest.arrays}
    except FileNotFoundError:
        raise _DamagedError("its arrays are missing") from None
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise _DamagedError(f"its arrays are damaged ({error})") from None
    for one in manifest.arrays:
        if arrays[one.name].shape != one.shape:
            raise _DamagedError(f"{one.name} should be of shape {one.shape}, but is {arrays[one.name].shape}")
    return arrays


def _typed(array: Array, dtype: str) -> Array:
    import tensorflow as tf

    wanted = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if array.dtype != wanted and wanted.kind != "V":
        raise ValueError(f"an array of type {array.dtype} should be {dtype}")
    return array.view(wanted)


def _size_and_digest(path: str) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    with files.open_to_read(path) as file:
        while piece := file.read(_PIECE_BYTES):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


def _remove_old(folder: str, newest: int, keep: int) -> None:
    """Takes a manifest before its arrays: one that stands promises that they are there."""
    steps = _steps(folder)
    kept = sorted(step for step in steps if step <= newest)[-keep:]
    for step in steps.difference(kept):
        files.remove(_manifest(folder, step))
    _remove_leftovers(folder)


def _remove_leftovers(folder: str) -> None:
    """Removes what no manifest knows: files of saves that did not come to their end, arrays that were replaced."""
    known = set(_known_files(folder))
    for name in files.names(folder):
        if name.startswith(files.UNFINISHED) or (_ARRAYS.fullmatch(name) and name not in known):
            files.remove(f"{folder}/{name}", missing_ok=True)


def _known_files(folder: str) -> Iterator[str]:
    for step in _steps(folder):
        with contextlib.suppress(_DamagedError):
            yield _read_manifest(folder, step).file


def _steps(folder: str) -> set[int]:
    return {int(match[1]) for match in map(_MANIFEST.fullmatch, files.names(folder)) if match}


def _manifest(folder: str, step: int) -> str:
    return f"{folder}/step-{step:08d}.json"
