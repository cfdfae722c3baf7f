"""Settings section `launcher.kubernetes`: training pods of a cluster."""

from __future__ import annotations

import re
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, Positive, PositiveFloat, operational
from limbeck.settings.quantities import Cpu, Memory

# Quantities as Kubernetes reads them.
# What Kubernetes takes as the name of an object.
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_NAMED = ("namespace", "service_account", "queue", "claim")


@dataclass(frozen=True, config=STRICT)
class Toleration:
    """A taint of a node that the training pods accept, with the fields that Kubernetes gives a toleration.

    Attributes:
      key: name of the taint; null with the operator `Exists` accepts every taint.
      operator: `Equal` compares the value of the taint, `Exists` does not.
      value: value of the taint.
      effect: effect of the taint; null accepts every effect.
    """

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None

    def __post_init__(self) -> None:
        if self.operator == "Equal" and self.key is None:
            raise ConfigError("launcher.kubernetes.tolerations: a toleration with the operator Equal needs a key")
        if self.operator == "Exists" and self.value is not None:
            raise ConfigError(
                "launcher.kubernetes.tolerations: a toleration with the operator Exists has no value"
            )


@dataclass(frozen=True, config=STRICT)
class PodsConfig:
    """How `launcher.name=kubernetes` trains: each process of a job in a pod of its own.

    Attributes:
      kind: what the pods belong to: `job`, an Indexed Job, which every cluster has; `jobset` or `tfjob`, where JobSet
        or the training operator of Kubeflow is installed.
      staging: URI, or a folder below `launcher.kubernetes.mount`, to which a training job's files are copied, because
        its pods do not see those of the step. What is copied there is removed again.
      namespace: namespace of the pods; null takes the namespace of the step's own pod.
      image: image of the pods; null takes the image of the step's own pod.
      service_account: service account of the pods; null takes the account of the step's own pod.
      user: number of the user that the pods run as.
      cpu: cores of each pod, requested; TensorFlow starts as many threads.
      memory: memory of each pod, requested and as limit.
      accelerators: number of accelerators of each pod.
      accelerator: name of the accelerators' resource.
      node_selector: labels that a node must have.
      tolerations: taints of nodes that the pods accept, each with `key`, `operator`, `value` and `effect`.
      queue: local queue of Kueue that admits the pods, all or none; null submits them without a queue.
      claim: PersistentVolumeClaim that the pods mount at `launcher.kubernetes.mount`, as the step's own pod does.
      mount: folder at which `launcher.kubernetes.claim` is mounted.
      start_seconds: how long the pods of a job may take until all run. The time in a queue does not count.
    """

    kind: Literal["job", "jobset", "tfjob"] = operational("job")
    staging: str | None = operational(None)
    namespace: str | None = operational(None)
    image: str | None = operational(None)
    service_account: str | None = operational(None)
    user: Positive = operational(1000)
    cpu: Cpu = operational("1")
    memory: Memory = operational("4Gi")
    accelerators: NotNegative = operational(0)
    accelerator: str = operational("nvidia.com/gpu")
    node_selector: dict[str, str] = operational(factory=dict)
    tolerations: tuple[Toleration, ...] = operational(factory=tuple)
    queue: str | None = operational(None)
    claim: str | None = operational(None)
    mount: str | None = operational(None)
    start_seconds: PositiveFloat = operational(1800.0)

    def __post_init__(self) -> None:
        for name in _NAMED:
            value = getattr(self, name)
            if value is not None and not _NAME.fullmatch(value):
                raise ConfigError(
                    f"launcher.kubernetes.{name} must be a name of Kubernetes (small letters, digits, '-' and '.'); "
                    f"received '{value}'"
                )
        if (self.claim is None) != (self.mount is None):
            raise ConfigError(
                "launcher.kubernetes.claim and launcher.kubernetes.mount belong together: give both, or neither"
            )
        if self.mount is not None and not self.mount.startswith("/"):
            raise ConfigError(f"launcher.kubernetes.mount must be an absolute path, received '{self.mount}'")

    def check(self) -> None:
        """Raises ConfigError if no pods can be made with these settings."""
        if self.staging is None:
            raise ConfigError(
                "launcher.name=kubernetes needs launcher.kubernetes.staging: a URI such as gs://bucket/staging, or a "
                "folder below launcher.kubernetes.mount, to which the files of a training job are copied for its pods"
            )
        if not self.seen_by_pods(self.staging):
            raise ConfigError(
                f"launcher.kubernetes.staging must be a place that every pod reaches, received {self.staging}: give a "
                "URI such as gs://bucket/staging, or a folder below launcher.kubernetes.mount"
            )

    def seen_by_pods(self, location: str) -> bool:
        """Returns whether training pods find the same files at a path or URI as this process.

        Raises:
          ConfigError: if the scheme is not known.
        """
        if files.visibility(location) is Visibility.NETWORK:
            return True
        return self.mount is not None and files.is_below(location, self.mount)
