"""Writes and reads the files of one checkpoint. Either all files are intact, or the checkpoint counts as damaged.

A process may be killed during a save, a disk may be full, a byte may change. A reader that trusts a file then resumes
from half a model. TensorFlow's own checkpoints have no digests, and can only be read into the objects and the strategy
that wrote them. Here a checkpoint is a set of named arrays:

  step-00000120.<digest>.npz    the arrays, as NumPy writes them, never pickled; the name holds their digest
  step-00000120.json            the manifest: counters, and the size, SHA-256, shapes and types of the arrays
  curve/                        the loss curve, in parts that the manifest names (`curve_files` beside this file)

Both files are written under another name (`.unfinished-...`) and renamed, the manifest last. A checkpoint without a
manifest does not exist. Each file of arrays has a unique name and a manifest is replaced in one step, so the same step
may be saved twice. Paths may be anything that `limbeck.files` supports.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
from collections.abc import Callable, Sequence

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.rank_record import DeviceSeconds
from limbeck.records import STRICT, from_json, to_json
from limbeck.trainer.fitting.early_stopping import Streak
from limbeck.trainer.fitting.progress import TrainingProgress
from limbeck.trainer.recovery import array_file, curve_files
from limbeck.trainer.recovery.array_file import Array, Arrays, ArrayType, DamagedArraysError

_log = logging.getLogger(__name__)
ARRAYS = re.compile(r"step-\d{8,}\.[0-9a-f]{16}\.npz")
_MANIFEST = re.compile(r"step-(\d{8,})\.json")
_SCHEMA_VERSION = 4


@dataclasses.dataclass(frozen=True, eq=False)
class State:
    """The state of one member of a job after `step` optimizer steps.

    Attributes:
      member: number of the member.
      step: number of optimizer steps done.
      arrays: arrays by name, as `limbeck.trainer.recovery.model_state.capture` returns them. A name is parts joined by
        `/`.
      curve: the progress at each report so far.
      examples: number of examples whose gradients the saving process has computed.
      seconds: duration of the training so far, over all attempts.
      streak: streak of the validations so far.
      device: what the devices did in this time.
    """

    member: int
    step: int
    arrays: Arrays
    curve: Sequence[TrainingProgress] = ()
    examples: int = 0
    seconds: float = 0.0
    streak: Streak = dataclasses.field(default_factory=Streak)
    device: DeviceSeconds = dataclasses.field(default_factory=DeviceSeconds)


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
      best: the lowest loss of the streak; None before the first validation.
      since: as in `Streak`.
      device: as in `State`.
    """

    schema_version: int
    member: int
    step: int
    file: str
    bytes: int
    sha256: str
    arrays: tuple[ArrayType, ...]
    curve: str | None
    examples: int
    seconds: float
    best: float | None
    since: int
    device: DeviceSeconds


class DamagedCheckpointError(Exception):
    """A checkpoint is incomplete, was changed, or has another format, so it cannot be used."""


def write(folder: str, state: State, curve: str | None, check: Callable[[str, Array], None]) -> None:
    """Writes the arrays and then the manifest of a checkpoint.

    Args:
      folder: folder of the checkpoints.
      state: what to save.
      curve: name of the last part of the curve; None if the curve is empty.
      check: called with each array before it is written.

    Raises:
      OSError: if a file cannot be written.
    """
    unfinished = f"{folder}/{files.UNFINISHED}{state.step:08d}.npz"
    written = array_file.write(unfinished, state.arrays, check)
    name = f"step-{state.step:08d}.{written.sha256[:16]}.npz"
    files.rename(unfinished, f"{folder}/{name}")
    manifest = Manifest(
        schema_version=_SCHEMA_VERSION,
        member=state.member,
        step=state.step,
        file=name,
        bytes=written.bytes,
        sha256=written.sha256,
        arrays=written.types,
        curve=curve,
        examples=state.examples,
        seconds=state.seconds,
        best=state.streak.best if math.isfinite(state.streak.best) else None,
        since=state.streak.since,
        device=state.device,
    )
    unfinished = f"{folder}/{files.UNFINISHED}{state.step:08d}.json"
    files.write_text(unfinished, to_json(manifest))
    files.rename(unfinished, manifest_path(folder, state.step))


def read(folder: str, step: int) -> State:
    """Reads the checkpoint of a step, and checks all of it.

    Raises:
      DamagedCheckpointError: if a file is missing, was changed, or has another format.
      OSError: if a file cannot be read for another reason.
    """
    manifest = read_manifest(folder, step)
    path = f"{folder}/{manifest.file}"
    try:
        arrays = array_file.read(path, manifest.bytes, manifest.sha256, manifest.arrays)
    except DamagedArraysError as error:
        raise DamagedCheckpointError(str(error)) from None
    found = curve_files.read(folder, manifest.curve)
    if found.damage is not None:
        _log.warning(
            "the checkpoint of step %d in %s is whole, but %s: training goes on from it, and its curve begins after "
            "that part",
            step, folder, found.damage,
        )  # fmt: skip
    streak = Streak(math.inf if manifest.best is None else manifest.best, manifest.since)
    return State(
        manifest.member, step, arrays, found.points, manifest.examples, manifest.seconds, streak, manifest.device
    )


def read_manifest(folder: str, step: int) -> Manifest:
    """Reads the manifest of a step. Errors are those of `read`."""
    try:
        text = files.read_text(manifest_path(folder, step))
        version = json.loads(text)["schema_version"]
        if version != _SCHEMA_VERSION:
            raise DamagedCheckpointError(
                f"it has schema version {version}, and this program reads {_SCHEMA_VERSION}"
            )
        manifest = from_json(Manifest, text)
    except FileNotFoundError:
        raise DamagedCheckpointError("its manifest has gone") from None
    except (ConfigError, ValueError, KeyError, TypeError) as error:
        raise DamagedCheckpointError(f"its manifest is damaged ({error})") from None
    if manifest.step != step or not ARRAYS.fullmatch(manifest.file):
        raise DamagedCheckpointError(f"its manifest is of step {manifest.step} and file {manifest.file}")
    return manifest


def steps(folder: str) -> set[int]:
    """Returns the steps of all manifests in a folder; empty if there is no such folder."""
    return {int(match[1]) for match in map(_MANIFEST.fullmatch, files.names(folder)) if match}


def manifest_path(folder: str, step: int) -> str:
    """Returns the path of the manifest of a step."""
    return f"{folder}/step-{step:08d}.json"
