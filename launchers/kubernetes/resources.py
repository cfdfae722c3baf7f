"""The kinds of objects that the launcher makes and reads, and where the API server has them."""

from __future__ import annotations

import dataclasses
from typing import Any

# An object of Kubernetes as plain JSON. The models of the client that kfp allows (26.1) silently drop fields of newer
# clusters, such as `podReplacementPolicy`.
Object = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Resource:
    """One kind of object.

    Attributes:
      group: the API group; empty for the core group.
      version: version of the group.
      kind: as the field `kind` of an object has it.
      plural: the name in paths and in roles.
    """

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        """The field `apiVersion` of an object."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def title(self) -> str:
        """The name that roles and error messages use: `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str, name: str | None = None) -> str:
        """Returns the path of an object, or of all objects of a namespace."""
        root = f"/apis/{self.group}" if self.group else "/api"
        path = f"{root}/{self.version}/namespaces/{namespace}/{self.plural}"
        return path if name is None else f"{path}/{name}"


POD = Resource("", "v1", "Pod", "pods")
SERVICE = Resource("", "v1", "Service", "services")
JOB = Resource("batch", "v1", "Job", "jobs")
JOB_SET = Resource("jobset.x-k8s.io", "v1alpha2", "JobSet", "jobsets")
TF_JOB = Resource("kubeflow.org", "v1", "TFJob", "tfjobs")


def name_of(item: Object) -> str:
    """Returns the name of an object."""
    return str(item["metadata"]["name"])
