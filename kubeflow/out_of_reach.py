"""Finds folders and images in a compiled pipeline that its containers may not reach.

A local folder, an image that only this machine has, and a missing root are all legal in the file, and may work on a
cluster: the folder may be mounted, or be in the image. So they are not refused, but reported when the file is written.
Otherwise a task would fail with them, after the user has waited for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from limbeck.files import is_below, is_local
from limbeck.kubeflow.rewrites.data_fingerprint import NODE as FINGERPRINT
from limbeck.settings.containers import ContainerConfig, resolved

_ON_VERTEX = "/gcs"


@dataclasses.dataclass(frozen=True)
class NamedPlace:
    """A folder or URI that containers open.

    Attributes:
      name: of the setting or option.
      location: where it is.
      readers: ids of the nodes that open it.
    """

    name: str
    location: str
    readers: tuple[str, ...]


def named_places(root: str, data: str | None, unlabelled: str | None) -> list[NamedPlace]:
    """Returns the places that a pipeline opens, without those that nobody gives."""
    readers = (FINGERPRINT, "ExampleGen")
    given = [("data.path", data), ("data.unlabelled", unlabelled)]
    of_data = [NamedPlace(name, location, readers) for name, location in given if location is not None]
    return [NamedPlace("--root", root, ("AnomalyStop", "TeacherTrainer", "Distiller", "Pusher")), *of_data]


def unmounted(places: Iterable[NamedPlace], target: str, containers: Mapping[str, ContainerConfig]) -> list[str]:
    """Returns a warning for each place on a machine's disk that no container is known to see.

    Args:
      places: that containers open.
      target: `kubeflow` or `vertex`.
      containers: the settings of that name, with the claims that each node mounts.
    """
    return [
        f"{place.name}={place.location} is a folder of a machine, and {_why(target, missing)}. {_remedy(target)}"
        for place in places
        if (missing := _without(place, target, containers))
    ]


def _without(place: NamedPlace, target: str, containers: Mapping[str, ContainerConfig]) -> list[str]:
    """The nodes whose containers mount nothing where the place is."""
    if not is_local(place.location):
        return []
    if target == "vertex":
        return [] if is_below(place.location, _ON_VERTEX) else list(place.readers)
    return [
        node
        for node in place.readers
        if not any(is_below(place.location, at) for at in resolved(containers, node).claims or {})
    ]


def _why(target: str, nodes: list[str]) -> str:
    if target == "vertex":
        return "Vertex AI mounts none into a container"
    return f"the containers of {' and '.join(nodes)} mount no claim there"


def _remedy(target: str) -> str:
    unless = "Unless the image holds it, the run fails:"
    if target == "vertex":
        return f"{unless} copy it to a bucket, and give its gs:// URI"
    example = "--set 'containers.default.claims={/mnt/data: my-claim}'"
    return f"{unless} give a URI, or a folder below a claim that is mounted, such as with {example}"


def unpullable(image: str, target: str) -> str | None:
    """Returns a warning if no machine of a cluster can pull the image, else None."""
    # A name with a slash is that of a registry, or of a user of Docker Hub.
    if "/" in image:
        return None
    if target == "vertex":
        return (
            f"Vertex AI pulls images from a registry, and the image {image} names none. Push it, and give its name: "
            f"--image REGION-docker.pkg.dev/PROJECT/REPOSITORY/{image}"
        )
    return (
        f"the image {image} names no registry. Unless each node of the cluster holds it already, the tasks wait for "
        "ever: push it, and compile with --image REGISTRY/NAME:TAG"
    )
