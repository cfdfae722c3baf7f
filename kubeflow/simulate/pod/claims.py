"""Persistent volume claims of a pod: folders of this machine that outlive it, one for each claim."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def mounts_of(patch: dict[str, Any], claims: Path) -> list[tuple[Path, str]]:
    """Returns the claims that a pod mounts: the folder here, and its place in the pod.

    Args:
      patch: the pod, as the driver made it.
      claims: a folder that contains a folder for each claim, by its name. Missing ones are made, writable by any user.
    """
    names = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in patch.get("volumes", [])
        if "persistentVolumeClaim" in volume
    }
    found = []
    for mount in patch["containers"][0].get("volumeMounts", []):
        if mount["name"] in names:
            # Only the last part of the name is used. Kubernetes' names have no slash, and a claim must stay in its
            # folder.
            folder = claims / Path(names[mount["name"]]).name
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o777)
            found.append((folder, str(mount["mountPath"])))
    return found
