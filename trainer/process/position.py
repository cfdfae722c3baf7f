"""How far this process is in its job, for whoever must say where an exception came."""

from __future__ import annotations

_position: dict[str, int] = {}


def note(member: int, step: int) -> None:
    """Notes that the member of this number has done so many optimizer steps."""
    _position.update(member=member, step=step)


def step() -> int:
    """Optimizer steps that are done, of the member that is trained; 0 before any."""
    return _position.get("step", 0)


def words() -> str:
    """`before training`, or `member 1 after step 40`."""
    if not _position:
        return "before training"
    return f"member {_position['member']} after step {_position['step']}"
