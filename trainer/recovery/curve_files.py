"""The curve of a training beside its checkpoints, each point written once.

A checkpoint that holds the whole curve writes, and its readers parse, all points so far at every save: quadratic in the
length of a training. Here a save writes the points since the save before it as a link of a chain; the checkpoint names
its last link, and each link the one before:

  curve/step-00000120.<digest>.json    {"previous": "step-00000100.<digest>", "points": [...]}

A link is named by its content, which holds the name of the link before it; so the name in a checkpoint vouches for the
whole chain. Each process begins a chain of its own with all points that it was handed, and so trusts nothing that an
earlier one left. Links stay until the checkpoints of the job are removed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.records import STRICT, from_json, to_json
from trainer.fitting.progress import TrainingProgress

FOLDER = "curve"
_DIGEST_LETTERS = 16


class DamagedCurveError(Exception):
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


def extend(folder: str, chain: Chain, curve: Sequence[TrainingProgress], step: int) -> Chain:
    """Writes the points of `curve` that `chain` does not hold, and returns the longer chain.

    Args:
      folder: of the checkpoints; the links lie in `curve/` below it.
      chain: what was written before of the same curve.
      curve: all points, oldest first.
      step: of the checkpoint that names the link.

    Raises:
      OSError: where it cannot be written.
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


def read(folder: str, last: str | None) -> tuple[TrainingProgress, ...]:
    """Reads all points up to those of the link `last`, oldest first.

    Raises:
      DamagedCurveError: where a link is missing or damaged.
      OSError: where one cannot be read for another reason.
    """
    links: list[_Link] = []
    while last is not None:
        links.append(_read(folder, last))
        last = links[-1].previous
    return tuple(point for link in reversed(links) for point in link.points)


def _remove_leftovers(folder: str) -> None:
    """Removes what an earlier process was writing when it was killed."""
    for name in files.names(folder):
        if name.startswith(files.UNFINISHED):
            files.remove(f"{folder}/{name}", missing_ok=True)


def _read(folder: str, name: str) -> _Link:
    try:
        text = files.read_text(_path(folder, name))
    except FileNotFoundError:
        raise DamagedCurveError(f"the part {name} of its curve is missing") from None
    except UnicodeDecodeError:
        text = ""
    if _digest(text) != name.rpartition(".")[2]:
        raise DamagedCurveError(f"the part {name} of its curve is damaged")
    try:
        return from_json(_Link, text)
    except ConfigError as error:
        raise DamagedCurveError(f"the part {name} of its curve cannot be read ({error})") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LETTERS]


def _path(folder: str, name: str) -> str:
    return f"{folder}/{FOLDER}/{name}.json"
