"""`PodPlan`: all values that are needed to make the objects of a job. No further request to the API is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from limbeck.launchers.kubernetes.own_pod import Surroundings
from limbeck.launchers.kubernetes.resources import Object
from limbeck.settings.pods import PodsConfig

# The process of rank r listens at PORT + r, because two pods may share an address, as on the network of their node.
PORT = 2222
# Label of all objects of one attempt. All attempts at a job have the same name, so the name cannot tell them apart.
ATTEMPT = "limbeck/attempt"
# Annotation of the main object: the folder with the files of its launch.
FOLDER = "limbeck/folder"


@dataclasses.dataclass(frozen=True)
class PodPlan:
    """One attempt at a job.

    Attributes:
      name: name of its main object and its Service.
      namespace: namespace of all its objects.
      processes: number of pods.
      attempt: a text that is unique to this attempt, and a valid label.
      folder: path or URI of the files of the launch, which is removed when the launch ends.
      files: path or URI of the files of this attempt: the job, signs of life, and failures.
      image: image of the pods.
      settings: resources, queue and so on.
      surroundings: the parts that the pods copy from the step's own pod.
      owner: reference to the step's own pod, with which all objects are removed; None if it is not in this namespace.
      port: the process of rank r listens at `port + r`.
      grace_seconds: seconds for a process to save when its pod is asked to end.
    """

    name: str
    namespace: str
    processes: int
    attempt: str
    folder: str
    files: str
    image: str
    settings: PodsConfig
    surroundings: Surroundings = dataclasses.field(default_factory=Surroundings)
    owner: Object | None = None
    port: int = PORT
    grace_seconds: int = 60

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of all objects of the attempt."""
        return MappingProxyType(
            {
                "app.kubernetes.io/name": "limbeck",
                "app.kubernetes.io/component": "training",
                "app.kubernetes.io/instance": self.name,
                ATTEMPT: self.attempt,
            }
        )

    @property
    def selector(self) -> Mapping[str, str]:
        """The query that selects the objects of the attempt."""
        return MappingProxyType({"labelSelector": f"{ATTEMPT}={self.attempt}"})

    def metadata(self) -> Object:
        """Returns the metadata of an object that must be removed with the step's own pod."""
        metadata: Object = {"name": self.name, "namespace": self.namespace, "labels": dict(self.labels)}
        if self.owner is not None:
            metadata["ownerReferences"] = [self.owner]
        return metadata

    def main_metadata(self) -> Object:
        """Returns the metadata of the object that makes the pods."""
        metadata = self.metadata()
        metadata["annotations"] = {FOLDER: self.folder}
        if self.settings.queue is not None:
            # Kueue itself suspends the object until there is room for all pods.
            metadata["labels"]["kueue.x-k8s.io/queue-name"] = self.settings.queue
        return metadata
