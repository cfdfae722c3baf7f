"""How much memory this process may still take, and a refusal with numbers for a step that would take more.

A step that runs out of memory is killed without a message, maybe after an hour, or it blocks the whole machine. Some
steps of Beam's local runner keep all rows in memory, and their need is known before: it grows with the bytes of the
rows. So the need is compared with the available memory, and a step is refused only if it cannot succeed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import resource
from collections.abc import Iterator
from pathlib import Path

from limbeck.errors import UserError

_MIB = 1 << 20
_STATUS = "/proc/self/status"


@dataclasses.dataclass(frozen=True)
class Limit:
    """A limit of the memory of this process.

    Attributes:
      bytes: the limit.
      taken: bytes of it that the process has taken.
      what: what sets it, in words.
    """

    bytes: int
    taken: int
    what: str

    @property
    def room(self) -> int:
        """Bytes that the process may still take."""
        return self.bytes - self.taken


def limit() -> Limit | None:
    """Returns the limit that leaves this process the least room; None if none is known."""
    return min(_limits(), key=lambda one: one.room, default=None)


def assert_room(stage: str, content: int, times: float, remedy: str, most: Limit | None = None) -> None:
    """Raises UserError if a stage cannot have the memory that it needs beside what this process has taken.

    Args:
      stage: name of the stage.
      content: bytes of the rows that it keeps in memory.
      times: at least how many bytes of memory each byte of the rows takes.
      remedy: what to do, in words.
      most: the limit; None determines it.
    """
    most, needed = most or limit(), int(content * times)
    if most is None or needed <= most.room:
        return
    raise UserError(
        f"{stage} keeps its rows in memory: for {_mib(content)} MiB of rows it needs about {_mib(needed)} MiB beside "
        f"the {_mib(most.taken)} MiB that its process has taken, but {most.what} is {_mib(most.bytes)} MiB: {remedy}"
    )


def _mib(count: int) -> str:
    return f"{count / _MIB:,.0f}"


def _limits() -> Iterator[Limit]:
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft != resource.RLIM_INFINITY:
        yield Limit(soft, _of_file(_STATUS, "VmData") or 0, "the limit of the process (RLIMIT_DATA)")
    taken = _of_file(_STATUS, "RssAnon") or 0
    for path in _cgroup_files():
        with contextlib.suppress(OSError, ValueError):
            # The file may contain `max`, which is not a number.
            yield Limit(int(path.read_text(encoding="ascii")), taken, f"the limit of the container ({path})")
    memory, swap = _of_file("/proc/meminfo", "MemTotal"), _of_file("/proc/meminfo", "SwapTotal")
    if memory is not None:
        yield Limit(memory + (swap or 0), taken, "the memory of the machine, with its swap,")


def _cgroup_files() -> list[Path]:
    """Returns the files that may hold a limit of this process's control groups, of version 1 and 2."""
    with contextlib.suppress(OSError):
        found = []
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, group = line.split(":", 2)
            version_1 = "memory" in controllers.split(",")
            if not version_1 and controllers:
                continue
            root, name = (
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
                if version_1
                else ("/sys/fs/cgroup", "memory.max")
            )
            place = Path(root, group.lstrip("/"))
            found += [each / name for each in (place, *place.parents) if each.is_relative_to(root)]
        return found
    return []


def _of_file(path: str, key: str) -> int | None:
    """Returns a figure of a file of the kernel in bytes, from kB; None if there is none."""
    with contextlib.suppress(OSError):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    return None
