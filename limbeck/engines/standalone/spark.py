"""A standalone cluster of Spark on one machine, from the jars of the package pyspark.

The second port is that of the master's page, which also answers in JSON.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck.engines.standalone.kind import HOST, Daemon, Overview, Plan, StandaloneKind

_CLASSES = "org.apache.spark.deploy"
_CORE = re.compile(r"spark-core_(?P<scala>\d+\.\d+)-(?P<spark>\d\S*)\.jar")
# Memory of a daemon, which only passes messages; and of an application on a worker: an executor of Spark's default
# size.
_DAEMON_MEMORY, _WORKER_MEMORY = "256m", "1g"


class SparkStandalone(StandaloneKind):
    """Spark's own kind of cluster: a master, and workers that start executors."""

    name = "spark"
    title = "Spark"
    version = "3.5.0 with Scala 2.12"
    install = "make install-spark"
    port = 7077
    slot = "core"

    def installed(self) -> Path | None:
        """Returns the folder of the package pyspark of this environment."""
        found = importlib.util.find_spec("pyspark")
        places = found.submodule_search_locations if found is not None else None
        return Path(next(iter(places))) if places else None

    def jars(self, home: Path) -> list[str]:
        """Returns the names of the jars of Spark's core."""
        return [path.name for path in (home / "jars").glob("spark-core_*.jar")]

    def version_of(self, jar: str) -> str | None:
        """Returns `3.5.0 with Scala 2.12` for `spark-core_2.12-3.5.0.jar`."""
        found = _CORE.fullmatch(jar)
        return None if found is None else f"{found['spark']} with Scala {found['scala']}"

    def supports(self, version: str) -> bool:
        """Returns whether the version is the supported one. Even another patch cannot read the job server's classes."""
        return version == self.version

    def files(self, plan: Plan) -> dict[str, str]:
        """Returns the properties of the daemons. If a port is taken, they fail, and do not try the next one."""
        return {"spark-defaults.conf": "spark.port.maxRetries 0\n"}

    def master(self, plan: Plan) -> Daemon:
        """Returns the master."""
        ports = ("--port", str(plan.port), "--webui-port", str(plan.second_port))
        return self._daemon(plan, "master", f"{_CLASSES}.master.Master", *ports)

    def worker(self, plan: Plan, number: int) -> Daemon:
        """Returns a worker."""
        size = ("--cores", str(plan.cores), "--memory", _WORKER_MEMORY)
        place = ("--webui-port", "0", "--work-dir", str(plan.folder / "work"))
        return self._daemon(
            plan, f"worker {number}", f"{_CLASSES}.worker.Worker", self.address(plan), *size, *place
        )

    def address(self, plan: Plan) -> str:
        """Returns the address of the master."""
        return f"spark://{HOST}:{plan.port}"

    def page(self, plan: Plan) -> str:
        """Returns the URL of the master's page."""
        return f"http://{HOST}:{plan.second_port}"

    def overview_url(self, plan: Plan) -> str:
        """Returns the URL of the master's page in JSON."""
        return f"{self.page(plan)}/json/"

    def _overview(self, answer: Mapping[str, Any]) -> Overview:
        return Overview(int(answer["aliveworkers"]), int(answer["cores"]))

    def java_variables(self, plan: Plan) -> dict[str, str]:
        """Returns the variables that keep the job server, the driver of an application, on the loopback address."""
        return {"SPARK_LOCAL_IP": HOST}

    def uses(self, plan: Plan, artifact: str, endpoint: str | None) -> tuple[tuple[str, str], ...]:
        """Returns the uses of the cluster. It also scores without Beam, and so without a job server."""
        scoring = f"--set scoring.engine=spark --set scoring.address={self.address(plan)}"
        return (*super().uses(plan, artifact, endpoint), ("scoring alone, without Beam", scoring))

    def _daemon(self, plan: Plan, name: str, main: str, *arguments: str) -> Daemon:
        variables = {
            "SPARK_HOME": str(plan.home),
            # The installation's own settings are for another cluster.
            "SPARK_CONF_DIR": str(plan.configuration),
            # The pages listen at this address, too.
            "SPARK_LOCAL_IP": HOST,
            "SPARK_LOCAL_DIRS": str(plan.temporary),
            "SPARK_DAEMON_MEMORY": _DAEMON_MEMORY,
            "SPARK_DAEMON_JAVA_OPTS": f'"-Djava.io.tmpdir={plan.temporary}"',
        }
        return Daemon(name, (str(plan.home / "bin" / "spark-class"), main, "--host", HOST, *arguments), variables)
