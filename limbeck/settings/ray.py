"""Settings section `launcher.ray`: processes on the nodes of a Ray cluster."""

from __future__ import annotations

import importlib.util
import re
from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.errors import ConfigError
from limbeck.files import Visibility
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, Positive, PositiveFloat, operational

Placement = Literal["strict_spread", "spread", "pack", "strict_pack"]
NOT_INSTALLED = (
    "launcher.name=ray needs the package ray, which is not installed here: call make install-ray, or install "
    "requirements-ray.txt"
)
_ADDRESS = re.compile(r"([^\s:/]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}")


@dataclass(frozen=True, config=STRICT)
class RayConfig:
    """How `launcher.name=ray` trains: each process of a job under an actor of its own.

    Attributes:
      address: `host:port` of the cluster's head, as `ray start --head` shows it. The machine of the pipeline must be
        one of its nodes.
      staging: URI, or a folder below `launcher.ray.shared`, to which a training job's files are copied, because other
        nodes do not see those of the pipeline's machine. What is copied there is removed again.
      shared: a folder that every node finds at the same path with the same files; null: the nodes share URIs only.
      cpus: cores of each process, reserved; TensorFlow starts as many threads.
      gpus: number of GPUs of each process, reserved; with 0 it sees none.
      placement: `strict_spread`: each process on a node of its own. `spread`: on as many nodes as there are. `pack`:
        on as few as there are. `strict_pack`: all on one node.
      autoscaling: whether the cluster grows when processes wait for room. Otherwise a job that the cluster has no room
        for, even when nothing else runs there, is refused at once.
      start_seconds: how long the processes of a job may wait for room.
    """

    address: str | None = operational(None)
    staging: str | None = operational(None)
    shared: str | None = operational(None)
    cpus: Positive = operational(1)
    gpus: NotNegative = operational(0)
    placement: Placement = operational("strict_spread")
    autoscaling: bool = operational(False)
    start_seconds: PositiveFloat = operational(300.0)

    def __post_init__(self) -> None:
        if self.address is not None and not _ADDRESS.fullmatch(self.address):
            raise ConfigError(
                "launcher.ray.address must be host:port of the cluster's head, such as 10.0.0.1:6379; received "
                f"'{self.address}'"
            )
        if self.shared is not None and not self.shared.startswith("/"):
            raise ConfigError(f"launcher.ray.shared must be an absolute path, received '{self.shared}'")

    def check(self) -> None:
        """Raises ConfigError if no processes can be started with these settings."""
        if self.address is None:
            raise ConfigError("launcher.name=ray needs launcher.ray.address: host:port of the cluster's head")
        if self.staging is None:
            raise ConfigError(
                "launcher.name=ray needs launcher.ray.staging: a URI such as gs://bucket/staging, or a folder below "
                "launcher.ray.shared, to which the files of a training job are copied for its processes"
            )
        if not self.seen_by_nodes(self.staging):
            raise ConfigError(
                f"launcher.ray.staging must be a place that every node reaches, received {self.staging}: give a URI "
                "such as gs://bucket/staging, or a folder below launcher.ray.shared"
            )

    def check_machine(self, root: str) -> None:
        """Raises ConfigError if this machine cannot start processes with Ray, or if they cannot read below `root`."""
        if importlib.util.find_spec("ray") is None:
            raise ConfigError(NOT_INSTALLED)
        if not self.seen_by_nodes(root):
            raise ConfigError(
                "--root must be a place that every node of the Ray cluster reaches, because checkpoints are below it; "
                f"received {root}: give a folder below launcher.ray.shared"
            )

    def seen_by_nodes(self, location: str) -> bool:
        """Returns whether the nodes find the same files at a path or URI as this process.

        Raises:
          ConfigError: if the scheme is not known.
        """
        if files.visibility(location) is Visibility.NETWORK:
            return True
        return self.shared is not None and files.is_below(location, self.shared)
