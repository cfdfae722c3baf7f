"""Requests of a run to Flink's REST interface: checks that the cluster fits the job server, and cancels jobs."""

from __future__ import annotations

import json
from typing import Any

from limbeck.errors import ConfigError

_SECONDS = 10.0
_ENDED = ("FINISHED", "FAILED", "CANCELED")


def assert_fits(master: str, flink: str | None, slots: int) -> None:
    """Raises ConfigError if a cluster does not answer, is of another version, or has too few slots.

    Args:
      master: URL of the cluster, such as http://127.0.0.1:8081.
      flink: minor version that the cluster must have, such as 1.19; None for any.
      slots: number of subtasks that run at a time.
    """
    overview = _ask(master, "/overview")
    found = str(overview.get("flink-version", ""))
    if flink is not None and found != flink and not found.startswith(f"{flink}."):
        raise ConfigError(
            f"the job server is for Flink {flink}, but the cluster at {master} is Flink {found or 'unknown'}: take the "
            "job server that is made for it, or another cluster"
        )
    if int(overview.get("slots-total", 0)) < slots:
        raise ConfigError(
            f"beam.workers={slots} subtasks run at a time, but the cluster at {master} has "
            f"{overview.get('slots-total', 0)} slots: lower beam.workers, or add task managers"
        )


def cancel(master: str, job_name: str) -> list[str]:
    """Cancels the jobs of a cluster whose name holds `job_name`. Returns their ids.

    Raises:
      ConfigError: if the cluster does not answer.
    """
    jobs = _ask(master, "/jobs/overview").get("jobs", [])
    found = [one["jid"] for one in jobs if job_name in one["name"] and one["state"] not in _ENDED]
    for job in found:
        _ask(master, f"/jobs/{job}?mode=cancel", "PATCH")
    return found


def _ask(master: str, path: str, method: str = "GET") -> dict[str, Any]:
    # Imported here because it loads OpenSSL. Every process reads settings, but few ask a cluster.
    import urllib.request

    request = urllib.request.Request(f"{master.rstrip('/')}{path}", method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            text = answer.read()
        found = json.loads(text or b"{}")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"beam.master must be the address of a Flink cluster, but {master}{path} does not answer as one does "
            f"({error}): start the cluster, or correct beam.master"
        ) from None
    return found if isinstance(found, dict) else {}
