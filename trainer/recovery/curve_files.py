"""Writes the curve of a training beside its checkpoints. Each point is written once.

If each checkpoint held the whole curve, each save would write all points so far. That is quadratic in the length of a
training. Here a save writes only the points since the previous save, as a link of a chain. The checkpoint names its
last link, and each link names the one before:

  curve/step-00000120.<digest>.json    {"previous": "step-00000100.<digest>", "points": [...]}

The name of a link holds the digest of its content, and the content holds the name of the link before it. So the name in
a checkpoint proves the whole chain. If a link is damaged, the links after it can still be read. Each process begins its
own chain with all points that it was handed, so it need not trust the files of an earlier process. Links stay until the
checkpoints of the job are removed.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from limbeck.trainer.fitting.progress import TrainingProgress
from limbeck.trainer.recovery import storage_faults

FOLDER = "curve"
_DIGEST_LETTERS = 16


class _DamagedError(Exception):
    """A link of the chain is missing or was changed."""


@dataclass(frozen=True, config=STRICT)
class _Link:
    previous: str | None
    points: tuple[TrainingProgress, ...]


@dataclasses.dataclass(frozen=True)
class Chain:
    """The part of a curve that has been written.

    Attributes:
      last: name of the last link; None if nothing is written.
      count: number of points in all links.
    """

    last: str | None = None
    count: int = 0


@dataclasses.dataclass(frozen=True)
class Found:
    """The readable part of a curve.

    Attributes:
      points: points, oldest first; without those of the damaged link and of links before it.
      damage: what is wrong, in words; None if the curve is complete.
    """

    points: tuple[TrainingProgress, ...]
    damage: str | None


def extend(folder: str, chain: Chain, curve: Sequence[TrainingProgress], step: int) -> Chain:
    """Writes the points of `curve` that `chain` does not hold, and returns the longer chain.

    Args:
      folder: folder of the checkpoints. The links are in its subfolder `curve`.
      chain: the part of the same curve that is written already.
      curve: all points, oldest first.
      step: step of the checkpoint that names the link.

    Raises:
      OSError: if the link cannot be written.
    """
    fresh = tuple(curve[chain.count :])
    if not fresh:
        return chain
    text = to_json(_Link(chain.last, fresh))
    name = f"step-{step:08d}.{_digest(text)}"
    if chain.last is None:
        _remove_leftovers(f"{folder}/{FOLDER}")
    unfinished = f"{folder}/{FOLDER}/{files.UNFINISHED}{name}"
    files.write_text(unfinished, text)
    files.rename(unfinished, _path(folder, name))
    return Chain(name, len(curve))


def read(folder: str, last: str | None) -> Found:
    """Reads all points of the chain that ends with the link `last`. If a link cannot be read, reads those after it.

    A fault of storage that may pass is tried again a few times.
    """
    links: list[_Link] = []
    damage: str | None = None
    while last is not None and damage is None:
        read_it = functools.partial(_read, folder, last)
        try:
            links.append(storage_faults.patiently(read_it, f"reading the part {last} of a curve"))
            last = links[-1].previous
        except _DamagedError as error:
            damage = str(error)
        except OSError as error:
            damage = f"the part {last} of its curve cannot be read ({error.strerror or error})"
    return Found(tuple(point for link in reversed(links) for point in link.points), damage)


def _remove_leftovers(folder: str) -> None:
    """Removes files that an earlier process was writing when it was killed."""
    for name in files.names(folder):
        if name.startswith(files.UNFINISHED):
            files.remove(f"{folder}/{name}", missing_ok=True)


def _read(folder: str, name: str) -> _Link:
    try:
        text = files.read_text(_path(folder, name))
    except FileNotFoundError:
        raise _DamagedError(f"the part {name} of its curve is missing") from None
    except UnicodeDecodeError:
        text = ""
    if _digest(text) != name.rpartition(".")[2]:
        raise _DamagedError(f"the part {name} of its curve is damaged")
    try:
        return from_json(_Link, text)
    except ConfigError as error:
        raise _DamagedError(f"the part {name} of its curve cannot be read ({error})") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]


def _path(folder: str, name: str) -> str:
    return f"{folder}/{FOLDER}/{name}.json"
