"""Compares versions of Dask.

Client, scheduler and workers of Dask use a protocol without a version number. Different versions of Dask often
understand each other, but not always, and Dask only warns. So all processes must have the same version.
"""

from __future__ import annotations

from collections.abc import Mapping

# The packages that must be equal on the scheduler, which runs no code of ours.
_SCHEDULER = ("dask", "distributed")
# A worker must also read what the client has pickled.
_WORKER = (*_SCHEDULER, "cloudpickle")
_MINOR = 2


def of_scheduler(own: Mapping[str, str | None], scheduler: Mapping[str, str | None]) -> list[str]:
    """Returns the packages whose versions differ between a scheduler and this process, with both versions, in words.

    Args:
      own: versions of the packages of this process by name, as `distributed.Client.get_versions` returns them, Python
        among them.
      scheduler: versions of the packages of the scheduler, by name.
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
