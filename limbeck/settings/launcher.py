"""Settings section `launcher`, and the registry of launchers.

The registry holds references to launchers, not launchers: settings are also read where no launcher can run.
"""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError, nearest
from limbeck.records import STRICT
from limbeck.settings.fields import operational
from limbeck.settings.pods import PodsConfig
from limbeck.settings.ray import RayConfig
from limbeck.settings.vertex import VertexConfig

# Name -> `module:function`. The function takes the section and returns a `limbeck.launchers.launch.Launcher`.
LAUNCHERS: dict[str, str] = {
    "local": "limbeck.launchers.local.launcher:from_settings",
    "kubernetes": "limbeck.launchers.kubernetes.launcher:from_settings",
    "vertex": "limbeck.launchers.vertex.launcher:from_settings",
    "ray": "limbeck.launchers.ray.launcher:from_settings",
}


@dataclass(frozen=True, config=STRICT)
class LauncherConfig:
    """Where the processes of a training job run.

    Attributes:
      name: `local`: processes of the machine that runs the component. `kubernetes`: pods of a cluster
        (docs/kubernetes.md). `vertex`: custom jobs of Vertex AI (docs/vertex.md). `ray`: nodes of a Ray cluster
        (docs/ray.md).
    """

    name: str = operational("local")
    kubernetes: PodsConfig = operational(factory=PodsConfig)
    vertex: VertexConfig = operational(factory=VertexConfig)
    ray: RayConfig = operational(factory=RayConfig)

    def __post_init__(self) -> None:
        if self.name not in LAUNCHERS:
            raise ConfigError(
                f"there is no launcher '{self.name}'.{nearest(self.name, LAUNCHERS)} Known: {', '.join(LAUNCHERS)}"
            )
        if self.name == "kubernetes":
            self.kubernetes.check()
        if self.name == "vertex":
            self.vertex.check()
        if self.name == "ray":
            self.ray.check()
