"""Takes versions out of a serving folder, so that servers go back to an earlier one.

Every server of such a folder (TensorFlow Serving, `serve`) answers with the version that has the highest number. So if
a version is moved away, every server goes back to an earlier one. Each move is a rename, so no server sees a half-moved
version. The number is not used again.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from limbeck.components.pusher.push import alone, numbers
from limbeck.errors import ConfigError

_PLACE = "withdrawn"


@dataclasses.dataclass(frozen=True)
class Withdrawal:
    """The result of a withdrawal.

    Attributes:
      withdrawn: the versions that were taken out, the newest first.
      served: the newest version that is left.
      place: the folder that now holds the withdrawn versions.
    """

    withdrawn: tuple[int, ...]
    served: int
    place: Path


def withdraw(serving: Path, to: int | None = None) -> Withdrawal:
    """Takes out every version above one.

    Args:
      serving: folder of the versions.
      to: the version to go back to; None goes back to the last but one.

    Raises:
      ConfigError: if there is no such version, or no earlier one.
    """
    present = sorted(numbers(serving), reverse=True)
    if to is None and len(present) < 2:  # noqa: PLR2004
        raise ConfigError(
            f"there must be an earlier version to go back to; {serving} has {_shown(present)}: stop the server instead"
        )
    target = present[1] if to is None else to
    if target not in present:
        raise ConfigError(f"--to must be a version in {serving}, which has {_shown(present)}; received {target}")
    with alone(serving) as own:
        (own / _PLACE).mkdir(exist_ok=True)
        gone = [number for number in present if number > target]
        for number in gone:
            numbers(serving)[number].rename(own / _PLACE / str(number))
    return Withdrawal(tuple(gone), target, own / _PLACE)


def _shown(present: list[int]) -> str:
    return ", ".join(map(str, present)) or "none"
