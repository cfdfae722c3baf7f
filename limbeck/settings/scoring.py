"""Settings section `scoring`, and the registry of clusters that map a function over files.

Beam needs an engine of its own on a cluster (`limbeck.engines`), and its portable runners are few. Many people have a
cluster of Dask or Spark already. Scoring does not need Beam: an example's answer depends on that example alone. So
scoring is a function of one file, and any system that calls a function for each of many files can score them.

The registry holds references to code, not code: settings are also read where no cluster can be asked.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from pydantic.dataclasses import dataclass

from limbeck.engines import rules
from limbeck.errors import ConfigError, nearest
from limbeck.records import STRICT
from limbeck.settings.fields import PositiveFloat, operational

BEAM = "beam"
_LAST_PORT = 65535


class ClusterKind(NamedTuple):
    """One kind of cluster.

    Attributes:
      connection: `module:function`; the function does what `limbeck.components.mapping.cluster.Connection` says.
      scheme: how its addresses begin.
      port: the port that such a cluster usually has.
      package: the Python package that connects to it.
      installation: what installs the package.
      java: whether the package starts Java.
    """

    connection: str
    scheme: str
    port: int
    package: str
    installation: str
    java: bool = False


CLUSTERS: dict[str, ClusterKind] = {
    "dask": ClusterKind(
        *("limbeck.components.mapping.dask.connection:connected", "tcp", 8786, "distributed"),
        installation="call make install-dask, or install requirements-dask.txt",
    ),
    "spark": ClusterKind(
        *("limbeck.components.mapping.spark.connection:connected", "spark", 7077, "pyspark"),
        installation="call make install-spark, or install requirements-spark.txt",
        java=True,
    ),
}


@dataclass(frozen=True, config=STRICT)
class ScoringConfig:
    """What scores examples with models: the work of TeacherLabeler, Predictor and `predict` (docs/engines.md).

    Attributes:
      engine: `beam`: the engine of Beam, as for all other steps. `dask`: the workers of a Dask cluster, a task for each
        file. `spark`: the executors of a Spark cluster, likewise.
      address: address of the cluster, such as tcp://10.0.0.1:8786 for `dask`, spark://10.0.0.1:7077 for `spark`.
      start_seconds: how long a job waits for a worker when the cluster has none.
    """

    engine: str = operational(BEAM)
    address: str | None = operational(None)
    start_seconds: PositiveFloat = operational(60.0)

    def __post_init__(self) -> None:
        known = (BEAM, *CLUSTERS)
        if self.engine not in known:
            raise ConfigError(
                f"configuration key 'scoring.engine': there is no such engine; received {self.engine!r}."
                f"{nearest(self.engine, known)} Known: {', '.join(known)}"
            )
        if self.engine == BEAM:
            if self.address is not None:
                raise ConfigError(
                    f"scoring.engine=beam has no cluster of its own, but scoring.address is {self.address!r}: leave it "
                    f"out, or take scoring.engine={' or '.join(CLUSTERS)}"
                )
        elif self.address is not None:
            self._host_and_port()

    @property
    def on_cluster(self) -> bool:
        """Whether a cluster scores, and not Beam."""
        return self.engine != BEAM

    def check_machine(self) -> None:
        """Raises ConfigError if this machine cannot use the engine now. Asks a cluster's address for 5 seconds."""
        if not self.on_cluster:
            return
        kind = CLUSTERS[self.engine]
        if importlib.util.find_spec(kind.package) is None:
            raise ConfigError(
                f"scoring.engine={self.engine} needs the package {kind.package}, which is not installed here: "
                f"{kind.installation}"
            )
        if kind.java:
            _assert_java(f"scoring.engine={self.engine}")
        rules.assert_listening("scoring.address", self._host_and_port())

    def _host_and_port(self) -> str:
        kind = CLUSTERS[self.engine]
        found = re.fullmatch(
            rf"{kind.scheme}://((?:[^\s:/@]+|\[[0-9a-fA-F:]+\]):([0-9]{{1,5}}))", self.address or ""
        )
        if found is None or not 1 <= int(found[2]) <= _LAST_PORT:
            raise ConfigError(
                f"scoring.engine={self.engine} needs scoring.address, such as {kind.scheme}://10.0.0.1:{kind.port}; "
                f"received {self.address!r}"
            )
        return found[1]


def _assert_java(what: str) -> None:
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home, "bin")) if home else None) is None:
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no java on PATH"
        raise ConfigError(f"{what} starts Java 8, 11 or 17 on this machine, but {where}: install it")
