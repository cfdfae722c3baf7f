"""Compares versions of Dask.

Client, scheduler and workers of Dask speak a protocol without a version of its own. Two versions often understand each
other, sometimes not, and Dask only warns. So all must have one version.
"""

from __future__ import annotations

from collections.abc import Mapping

# Of the scheduler, which runs no code of ours.
_SCHEDULER = ("dask", "distributed")
# A worker reads what the client pickled.
_WORKER = (*_SCHEDULER, "cloudpickle")
_MINOR = 2


def of_scheduler(own: Mapping[str, str | None], scheduler: Mapping[str, str | None]) -> list[str]:
    """Returns what a scheduler has that differs from this process, with both versions, in words.

    Args:
      own: versions of the packages of this process by name, as `distributed.Client.get_versions` returns them, Python
        among them.
      scheduler: those of the scheduler.
    """
    found = _differences(_SCHEDULER, own, scheduler)
    if _minor(own) != _minor(scheduler):
        found.append(f"python {_minor(scheduler)} (the pipeline: {_minor(own)})")
    return found


def of_worker(own: Mapping[str, str | None], worker: Mapping[str, str | None]) -> list[str]:
    """Returns the same for a worker. Python is compared elsewhere, with all that the pipeline runs."""
    return _differences(_WORKER, own, worker)


def _differences(
    names: tuple[str, ...], own: Mapping[str, str | None], other: Mapping[str, str | None]
) -> list[str]:
    return [
        f"{name} {other.get(name)} (the pipeline: {own.get(name)})"
        for name in names
        if other.get(name) != own.get(name)
    ]


def _minor(packages: Mapping[str, str | None]) -> str:
    return ".".join((packages.get("python") or "").split(".")[:_MINOR])
