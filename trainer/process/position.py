"""Keeps the position of this process in its job, for messages that say when an exception was raised.

An exception may be raised far below the training loop, in code that is not told the step. The loop's own variables are
gone when the exception is reported. So each process notes its position here. It trains one member at a time.
"""

from __future__ import annotations

_position: dict[str, int] = {}


def note(member: int, step: int) -> None:
    """Notes the number of the member that is trained, and the number of its optimizer steps so far."""
    _position.update(member=member, step=step)


def step() -> int:
    """Returns the number of optimizer steps of the member that is trained; 0 before training."""
    return _position.get("step", 0)


def words() -> str:
    """Returns `before training`, or for example `member 1 after step 40`."""
    if not _position:
        return "before training"
    return f"member {_position['member']} after step {_position['step']}"
