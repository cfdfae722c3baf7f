"""Reads how much memory this process takes."""

from __future__ import annotations

from pathlib import Path


def anonymous() -> int:
    """Returns the KiB of this process's memory that no file backs.

    Pages of mapped files are not counted: the kernel takes them away when it needs the memory.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")))
