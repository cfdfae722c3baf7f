"""The curve of a training beside its checkpoints, each point written once.

A checkpoint that holds the whole curve writes, and its readers parse, all points so far at every save: quadratic in the
length of a training. Here a save writes the points since the save before it as a link of a chain; the checkpoint names
its last link, and each link the one before:

  curve/step-00000120.<digest>.json    {"previous": "step-00000100.<digest>", "points": [...]}

A link is named by its content, which holds the name of the link before it; so the name in a checkpoint vouches for the
whole chain. Where a link is damaged, the links after it can still be read. Each process begins a chain of its own with
all points that it was handed, and so trusts nothing that an earlier one left. Links stay until the checkpoints of the
job are removed.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from trainer.fitting.progress import TrainingProgress
from trainer.recovery import storage_faults

FOLDER = "curve"
_DIGEST_LETTERS = 16


class _DamagedError(Exception):
    """A link of the chain is missing, or is not what was written."""


@dataclass(frozen=True, config=STRICT)
class _Link:
    previous: str | None
    points: tuple[TrainingProgress, ...]


@dataclasses.dataclass(frozen=True)
class Chain:
    """What is written of a curve: `count` points, of which the last lie in the link `last`; None: nothing yet."""

    last: str | None = None
    count: int = 0


@dataclasses.dataclass(frozen=True)
class Found:
    """What can be read of a curve.

    Attributes:
      points: oldest first; without the damaged link and those before it.
      damage: what is wrong, in words; None where the curve is whole.
    """

    points: tuple[TrainingProgress, ...]
    damage: str | None


def extend(folder: str, chain: Chain, curve: Sequence[TrainingProgress], step: int) -> Chain:
    """Writes the points of `curve` that `chain` does not hold, and returns the longer chain.

    Args:
      folder: of the checkpoints; the links lie in `curve/` below it.
      chain: what was written before of the same curve.
      curve: all points, oldest first.
      step: of the checkpoint that names the link.

    Raises:
      tensorflow.errors.OpError: where it cannot be written.
    """
    import tensorflow as tf

    fresh = tuple(curve[chain.count :])
    if not fresh:
        return chain
    text = to_json(_Link(chain.last, fresh))
    name = f"step-{step:08d}.{_digest(text)}"
    tf.io.gfile.makedirs(f"{folder}/{FOLDER}")
    unfinished = f"{folder}/{FOLDER}/.unfinished"
    with tf.io.gfile.GFile(unfinished, "w") as file:
        file.write(text)
        file.flush()
    tf.io.gfile.rename(unfinished, _path(folder, name), overwrite=True)
    return Chain(name, len(curve))


def read(folder: str, last: str | None) -> Found:
    """Reads all points up to those of the link `last`; where a link cannot be read, those after it.

    A fault of storage that may pass is tried again a few times.
    """
    import tensorflow as tf

    links: list[_Link] = []
    damage: str | None = None
    while last is not None and damage is None:
        read_it = functools.partial(_read, folder, last)
        try:
            links.append(storage_faults.patiently(read_it, f"to read the part {last} of a curve"))
            last = links[-1].previous
        except _DamagedError as error:
            damage = str(error)
        except tf.errors.OpError as error:
            damage = f"the part {last} of its curve cannot be read ({error.message})"
    return Found(tuple(point for link in reversed(links) for point in link.points), damage)


def _read(folder: str, name: str) -> _Link:
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(_path(folder, name), "rb") as file:
            text = file.read().decode()
    except tf.errors.NotFoundError:
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
