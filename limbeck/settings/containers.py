"""Settings section `containers`: what the container of each node gets on a cluster. A local run needs none of it.

The section has an entry for each node, by the node's id, and one for all, `default`. What a node's own entry leaves
out is as in `default`. Whether the target has what is asked for, and whether there is such a node, is checked when a
pipeline is compiled: only then are both known.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from limbeck.records import STRICT, from_mapping, to_json
from limbeck.settings.fields import NotNegative, Positive, operational
from limbeck.settings.kubernetes import (
    AcceleratorType,
    Annotation,
    ClaimName,
    LabelKey,
    LabelValue,
    MountPath,
    ObjectName,
    SecretKey,
    VariableName,
)
from limbeck.settings.quantities import Cpu, Duration, Memory, cores, size

# The entry for all nodes.
DEFAULT = "default"


@dataclass(frozen=True, config=STRICT)
class AcceleratorConfig:
    """Accelerators, all of one type.

    Attributes:
      type: the accelerator as the target spells it: a resource of Kubernetes such as `nvidia.com/gpu`, or a constant of
        Vertex AI such as `NVIDIA_TESLA_T4`.
      count: number of accelerators; null takes 1 if a type is given, and otherwise none.
    """

    type: AcceleratorType | None = operational(None)
    count: NotNegative | None = operational(None)

    @property
    def number(self) -> int:
        """The number of accelerators."""
        return self.count if self.count is not None else int(self.type is not None)


@dataclass(frozen=True, config=STRICT)
class RetryConfig:
    """The retries of a node that fails.

    Attributes:
      count: how often a failed node is started again; null never does so. Training goes on from its checkpoint.
      backoff: pause before the first retry, such as `30s`; null takes 30s.
      backoff_factor: before each further retry, the pause is multiplied by this number; null takes 2.
    """

    count: Annotated[int, Field(ge=0, le=100)] | None = operational(None)
    backoff: Duration | None = operational(None)
    # A whole number: Argo takes no other.
    backoff_factor: Positive | None = operational(None)


@dataclass(frozen=True, config=STRICT)
class TolerationConfig:
    """A taint of a machine that the pod tolerates.

    Attributes:
      key: of the taint; null, with the operator `Exists`, tolerates all.
      operator: `Equal` compares the value, `Exists` does not.
      value: of the taint.
      effect: of the taint; null means every effect.
      seconds: how long `NoExecute` is tolerated; null means forever.
    """

    key: LabelKey | None = operational(None)
    operator: Literal["Equal", "Exists"] = operational("Equal")
    value: LabelValue | None = operational(None)
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = operational(None)
    seconds: NotNegative | None = operational(None)

    def __post_init__(self) -> None:
        if self.key is None and self.operator != "Exists":
            raise PydanticCustomError("toleration", "a toleration without a key needs the operator Exists")
        if self.value is not None and self.operator == "Exists":
            raise PydanticCustomError("toleration", "a toleration with the operator Exists has no value")
        if self.seconds is not None and self.effect != "NoExecute":
            raise PydanticCustomError("toleration", "seconds are those of a toleration with the effect NoExecute")


@dataclass(frozen=True, config=STRICT)
class SecretConfig:
    """A value in a secret of Kubernetes.

    Attributes:
      name: of the secret.
      key: of the value in it.
    """

    name: ObjectName = operational()
    key: SecretKey = operational()


@dataclass(frozen=True, config=STRICT)
class EmptyDirConfig:
    """A folder that is empty at the start, and goes with the pod.

    Attributes:
      medium: `Memory` keeps it in memory, which counts as that of the container; null takes the machine's disk.
      size: how much it may hold, such as `8Gi`; null is not bounded.
    """

    medium: Literal["Memory"] | None = operational(None)
    size: Memory | None = operational(None)


@dataclass(frozen=True, config=STRICT)
class ContainerConfig:
    """What a container gets.

    Attributes:
      cpu: CPUs that the node may use at most, such as `2` or `500m`. Vertex AI takes a machine that has as many.
      memory: memory that the node may use at most, such as `4Gi`. Vertex AI takes a machine that has as much.
      cache: false never takes the node's outputs from the cache; the nodes after it then run again, too.
      cpu_request: CPUs that are reserved for the node; null takes `cpu`. This and all following: Kubeflow only.
      memory_request: memory that is reserved for the node; null takes `memory`.
      timeout: the longest time of each attempt of the node, such as `6h`; null sets no limit.
      node_selector: labels that a machine must have to run the pod.
      tolerations: taints of machines that the pod tolerates, each with some of `key`, `operator` (`Equal` or `Exists`),
        `value`, `effect` and `seconds`.
      secrets: variables of the environment from secrets: `{AWS_ACCESS_KEY_ID: {name: SECRET, key: KEY}}`.
      claims: persistent volume claims by the path that they are mounted at: `{/mnt/data: CLAIM}`. Kubeflow's own cache
        key holds their names.
      empty_dirs: empty folders by the path that they are mounted at: `{/dev/shm: {medium: Memory, size: 8Gi}}`.
      labels: labels of the pod, such as a queue of Kueue.
      annotations: annotations of the pod.
      image_pull_policy: `Always`, `IfNotPresent` or `Never`.
      image_pull_secrets: names of the secrets with which the image is pulled.
    """

    cpu: Cpu | None = operational(None)
    memory: Memory | None = operational(None)
    accelerator: AcceleratorConfig = operational(factory=AcceleratorConfig)
    retry: RetryConfig = operational(factory=RetryConfig)
    cache: bool | None = operational(None)
    cpu_request: Cpu | None = operational(None)
    memory_request: Memory | None = operational(None)
    timeout: Duration | None = operational(None)
    node_selector: dict[LabelKey, LabelValue] | None = operational(None)
    tolerations: tuple[TolerationConfig, ...] | None = operational(None)
    secrets: dict[VariableName, SecretConfig] | None = operational(None)
    claims: dict[MountPath, ClaimName] | None = operational(None)
    empty_dirs: dict[MountPath, EmptyDirConfig] | None = operational(None)
    labels: dict[LabelKey, LabelValue] | None = operational(None)
    annotations: dict[LabelKey, Annotation] | None = operational(None)
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = operational(None)
    image_pull_secrets: tuple[ObjectName, ...] | None = operational(None)

    def __post_init__(self) -> None:
        pairs = (
            ("cpu", self.cpu, self.cpu_request, cores),
            ("memory", self.memory, self.memory_request, size),
        )
        for name, limit, request, amount in pairs:
            if limit is not None and request is not None and amount(request) > amount(limit):
                rule = f"{name}_request must not be more than {name}={limit}"
                raise PydanticCustomError("request", "{rule}", {"rule": rule})


def resolved(containers: Mapping[str, ContainerConfig], node: str) -> ContainerConfig:
    """Returns what the container of a node gets. What its own entry leaves out is as in the entry `default`.

    A setting that is a map or a list is replaced as a whole, so that an empty one takes what `default` gives away.

    Raises:
      ConfigError: where both entries together break a rule.
    """
    default, own = (_plain(containers.get(name, ContainerConfig())) for name in (DEFAULT, node))
    return from_mapping(ContainerConfig, _over(ContainerConfig, default, own), prefix=f"containers.{node}")


def _plain(container: ContainerConfig) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(to_json(container))
    return values


def _over(section: type[Any], base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = {}
    for name, hint in typing.get_type_hints(section).items():
        below, above = base[name], own[name]
        if dataclasses.is_dataclass(hint):
            merged[name] = _over(typing.cast("type[Any]", hint), below, above)
        else:
            merged[name] = below if above is None else above
    # What nobody gives is left out, and so it is of messages.
    return {name: value for name, value in merged.items() if value is not None}
