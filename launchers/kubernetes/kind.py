"""`Kind`: the kind of object that the pods of a job belong to, and how the pods are named and counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from limbeck.launchers.kubernetes.plan import PodPlan
from limbeck.launchers.kubernetes.resources import Object, Resource

_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of job.

    Attributes:
      resource: resource of the main object, which makes the pods.
      body: returns the main object.
      services: returns further objects, which are created after it. Operators create their own Services.
      rank_of: returns the rank of a pod; None if it has none.
    """

    resource: Resource
    body: Callable[[PodPlan], Object]
    services: Callable[[PodPlan], tuple[Object, ...]]
    rank_of: Callable[[Object], int | None]


def completion_index(pod: Object) -> int | None:
    """Returns the completion index that the Job controller gave a pod."""
    index = pod["metadata"].get("annotations", {}).get(_INDEX)
    return None if index is None else int(index)
