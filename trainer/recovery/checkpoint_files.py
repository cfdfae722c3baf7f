"""Writes and reads the files of one checkpoint. Either all files are intact, or the checkpoint counts as damaged.

A process may be killed during a save, a disk may be full, a byte may change. A reader that trusts a file then resumes
from half a model. TensorFlow's own checkpoints have no check sums, and can only be read into the objects and the
strategy that wrote them. Here a checkpoint is a set of named arrays:

  step-00000120.<digest>.npz    the arrays, as NumPy writes them, never pickled; the name holds their digest
  step-00000120.json            the manifest: counters, and the size, SHA-256, shapes and types of the arrays
  curve/                        the loss curve, in parts that the manifest names (`trainer.recovery.curve_files`)

Both files are written under another name (`.unfinished-...`) and renamed, the manifest last. A checkpoint without a
manifest does not exist. Each file of arrays has a name of its own and a manifest is replaced in one step, so the same
step may be saved twice. Paths are whatever `tf.io.gfile` knows.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from trainer.fitting.progress import TrainingProgress
from trainer.recovery import curve_files
from trainer.recovery.curve_files import DamagedCurveError

UNFINISHED = ".unfinished-"
ARRAYS = re.compile(r"step-\d{8,}\.[0-9a-f]{16}\.npz")
_MANIFEST = re.compile(r"step-(\d{8,})\.json")
_SCHEMA_VERSION = 2
_PIECE_BYTES = 1 << 20

Array = npt.NDArray[Any]
Arrays = dict[str, Array]


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """The state of one member of a job after `step` optimizer steps.

    Attributes:
      member: number of the member.
      step: number of optimizer steps done.
      arrays: arrays by name, as `trainer.recovery.model_state.capture` returns them. A name is parts joined by `/`.
      curve: the progress at each report so far.
      examples: number of examples whose gradients the saving process has computed.
      seconds: duration of the training so far, over all attempts.
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
class Manifest:
    """The manifest of a checkpoint, as in its JSON file.

    Attributes:
      schema_version: version of this format.
      member: number of the member.
      step: number of optimizer steps done.
      file: name of the file of arrays.
      bytes: size of this file.
      sha256: its SHA-256, in hexadecimal.
      arrays: name, shape and type of each array.
      curve: name of the last part of the curve; None if the curve is empty.
      examples: as in `State`.
      seconds: as in `State`.
    """

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


class DamagedCheckpointError(Exception):
    """A checkpoint is incomplete, was changed, or has another format, so it cannot be used."""


def write(folder: str, state: State, curve: str | None) -> None:
    """Writes the arrays and then the manifest of a checkpoint.

    Args:
      folder: folder of the checkpoints.
      state: what to save.
      curve: name of the last part of the curve; None if the curve is empty.

    Raises:
      tensorflow.errors.OpError: if a file cannot be written.
    """
    import tensorflow as tf

    unfinished = f"{folder}/{UNFINISHED}{state.step:08d}.npz"
    with tf.io.gfile.GFile(unfinished, "wb") as file:
        stream = _HashingStream(file)
        np.savez(stream, **{name: _plain(array) for name, array in state.arrays.items()})
        file.flush()
    digest = stream.sha256.hexdigest()
    name = f"step-{state.step:08d}.{digest[:16]}.npz"
    tf.io.gfile.rename(unfinished, f"{folder}/{name}", overwrite=True)
    described = tuple(_Array(name, array.shape, array.dtype.name) for name, array in state.arrays.items())
    manifest = Manifest(
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
    unfinished = f"{folder}/{UNFINISHED}{state.step:08d}.json"
    with tf.io.gfile.GFile(unfinished, "w") as file:
        file.write(to_json(manifest))
        file.flush()
    tf.io.gfile.rename(unfinished, manifest_path(folder, state.step), overwrite=True)


class _HashingStream(io.RawIOBase):
    """A stream that hashes what it writes. It cannot seek, so NumPy writes it from front to back.

    After a failure it drops whatever is written to it. The archive writes its end once more when Python deletes it, and
    TensorFlow crashes if a file is written to after it was closed.
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
    """Returns the array with a type that NumPy can save. Bfloat16 and the like become integers of the same bytes."""
    return array.view(f"u{array.dtype.itemsize}") if array.dtype.kind == "V" else array


def read(folder: str, step: int) -> State:
    """Reads the checkpoint of a step, and checks all of it.

    Raises:
      DamagedCheckpointError: if a file is missing, was changed, or has another format.
      tensorflow.errors.OpError: if a file cannot be read for another reason.
    """
    manifest = read_manifest(folder, step)
    arrays = _read_arrays(f"{folder}/{manifest.file}", manifest)
    try:
        curve = curve_files.read(folder, manifest.curve)
    except DamagedCurveError as error:
        raise DamagedCheckpointError(str(error)) from None
    return State(manifest.member, step, arrays, curve, manifest.examples, manifest.seconds)


def read_manifest(folder: str, step: int) -> Manifest:
    """Reads the manifest of a step. Errors are those of `read`."""
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(manifest_path(folder, step), "rb") as file:
            text = file.read().decode()
        version = json.loads(text)["schema_version"]
        if version != _SCHEMA_VERSION:
            raise DamagedCheckpointError(
                f"it has schema version {version}, and this program reads {_SCHEMA_VERSION}"
            )
        manifest = from_json(Manifest, text)
    except tf.errors.NotFoundError:
        raise DamagedCheckpointError("its manifest has gone") from None
    except (ConfigError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"its manifest is damaged ({error})") from None
    if manifest.step != step or not ARRAYS.fullmatch(manifest.file):
        raise DamagedCheckpointError(f"its manifest is of step {manifest.step} and file {manifest.file}")
    return manifest


def _read_arrays(path: str, manifest: Manifest) -> Arrays:
    import tensorflow as tf

    try:
        size, sha256 = _size_and_digest(path)
        if (size, sha256) != (manifest.bytes, manifest.sha256):
            raise DamagedCheckpointError(
                f"its arrays should be {manifest.bytes} bytes with SHA-256 {manifest.sha256[:12]}, but are {size} "
                f"bytes with {sha256[:12]}"
            )
        with tf.io.gfile.GFile(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {one.name: _typed(stored[one.name], one.dtype) for one in manifest.arrays}
    except tf.errors.NotFoundError:
        raise DamagedCheckpointError("its arrays are missing") from None
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise DamagedCheckpointError(f"its arrays are damaged ({error})") from None
    for one in manifest.arrays:
        if arrays[one.name].shape != one.shape:
            raise DamagedCheckpointError(
                f"{one.name} should be of shape {one.shape}, but is {arrays[one.name].shape}"
            )
    return arrays


def _typed(array: Array, dtype: str) -> Array:
    import tensorflow as tf

    wanted = np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    if array.dtype != wanted and wanted.kind != "V":
        raise ValueError(f"an array of type {array.dtype} should be {dtype}")
    return array.view(wanted)


def _size_and_digest(path: str) -> tuple[int, str]:
    import tensorflow as tf

    size, digest = 0, hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while piece := file.read(_PIECE_BYTES):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


def steps(folder: str) -> set[int]:
    """Returns the steps of all manifests in a folder; empty if there is no such folder."""
    return {int(match[1]) for match in map(_MANIFEST.fullmatch, names(folder)) if match}


def names(folder: str) -> list[str]:
    """Returns the names of all files in a folder; empty if there is no such folder."""
    import tensorflow as tf

    try:
        return list(tf.io.gfile.listdir(folder))
    except tf.errors.NotFoundError:
        return []


def manifest_path(folder: str, step: int) -> str:
    """Returns the path of the manifest of a step."""
    return f"{folder}/step-{step:08d}.json"
