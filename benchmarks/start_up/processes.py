"""Starts processes and measures them."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import time
from pathlib import Path

from benchmarks.start_up.plan import Start, environment

_REACHED = re.compile(rb"^reached (\d+)$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a process took until its executor was called, in seconds.

    Attributes:
      wall: of the clock, from before the process was started.
      processor: user and system time of the process.
    """

    wall: float
    processor: float


def measure(start: Start, python: Path, root: Path, scratch: Path) -> Measured:
    """Runs a process to its executor. Raises RuntimeError, with what it said, if it does not come that far."""
    log = scratch / "log.txt"
    with log.open("wb") as out:
        begun = time.monotonic_ns()
        process = subprocess.Popen(
            [str(python), *start.arguments],
            env=environment(start, python, root, scratch),
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, _, usage = os.wait4(process.pid, 0)
    said = log.read_bytes()
    reached = _REACHED.search(said)
    if reached is None:
        raise RuntimeError(
            f"{start.component} behind {start.entrypoint} did not reach its executor:\n"
            f"{said.decode(errors='replace')[-3000:]}"
        )
    return Measured((int(reached.group(1)) - begun) / 1e9, usage.ru_utime + usage.ru_stime)


def profile(start: Start, python: Path, root: Path, scratch: Path) -> dict[str, float]:
    """Returns the seconds that a process spent importing each package, without what that imports itself."""
    done = subprocess.run(
        [str(python), "-X", "importtime", *start.arguments],
        env=environment(start, python, root, scratch),
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return by_package(done.stderr.decode(errors="replace"))


def development_packages(python: Path) -> bool:
    """Returns whether an environment holds kubernetes_validate, which is no part of the image.

    The client of Kubernetes, and so all of TFX, imports it where it is, and waits 2 seconds for the grammar in it.
    """
    test = "import importlib.util, sys; sys.exit(importlib.util.find_spec('kubernetes_validate') is not None)"
    return subprocess.run([str(python), "-c", test], check=False).returncode != 0


def by_package(text: str) -> dict[str, float]:
    """Returns seconds by package, the most expensive first, from what `-X importtime` writes."""
    found: dict[str, float] = {}
    for own, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", text, re.MULTILINE):
        parts = name.split(".")
        package = ".".join(parts[: 2 if parts[0] == "google" else 1])
        found[package] = found.get(package, 0.0) + int(own) / 1e6
    return dict(sorted(found.items(), key=lambda one: -one[1]))
