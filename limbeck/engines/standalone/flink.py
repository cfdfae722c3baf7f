"""A session cluster of Flink on one machine, from the jars and scripts of the package apache-flink.

This package needs another version of Beam than the pipeline. So it is not installed in the environment of the pipeline:
its files are in a separate folder, and only Java reads them. The second port is for the messages between Flink's
processes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limbeck.engines.job_server_jar import JobServerJar
from limbeck.engines.standalone.kind import HOST, Daemon, Overview, Plan, StandaloneKind
from limbeck.errors import ConfigError

_PLACE = Path(__file__).parents[3] / ".venv-flink" / "pyflink"
_DIST = re.compile(r"flink-dist-(?P<version>\d+\.\d+\.\d+)\.jar")
_JAVA_OPTIONS = ("env", "java", "opts", "all")
# The smallest sizes that were tested. The metaspace holds the classes of every job server that submits a job.
_SIZES = {
    "jobmanager.memory.process.size": "1200m",
    "taskmanager.memory.process.size": "1728m",
    "taskmanager.memory.jvm-metaspace.size": "512m",
    "taskmanager.memory.managed.fraction": 0.2,
}
_HEALTH = {
    # A lost worker is noticed after seconds, and its tasks run again.
    "heartbeat.interval": 1000,
    "heartbeat.timeout": 6000,
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": 3,
    "restart-strategy.fixed-delay.delay": "1 s",
    # Without this, a worker that starts before the first process would wait ten seconds.
    "cluster.registration.error-delay": 500,
}


class FlinkStandalone(StandaloneKind):
    """Flink's session cluster: a JobManager, and TaskManagers."""

    name = "flink"
    title = "Flink"
    version = "1.19"
    install = "make install-flink"
    port = 8081
    slot = "slot"

    def installed(self) -> Path | None:
        """Returns the folder of the package beside the environment."""
        return _PLACE if _PLACE.is_dir() else None

    def jars(self, home: Path) -> list[str]:
        """Returns the names of the jars of Flink's distribution."""
        return [path.name for path in (home / "lib").glob("flink-dist-*.jar")]

    def version_of(self, jar: str) -> str | None:
        """Returns `1.19.3` for `flink-dist-1.19.3.jar`."""
        found = _DIST.fullmatch(jar)
        return None if found is None else found["version"]

    def supports(self, version: str) -> bool:
        """Returns whether the minor version is the supported one."""
        return version.startswith(f"{self.version}.")

    def _check_jar(self, version: str, jar: JobServerJar | None) -> None:
        if jar is not None and jar.flink is not None and jar.flink != self.version:
            raise ConfigError(
                f"the job server is for Flink {jar.flink}, but the cluster would be Flink {version}: take the job "
                f"server for {self.version}"
            )

    def files(self, plan: Plan) -> dict[str, str]:
        """Returns `config.yaml`, and the configuration of the logs.

        Raises:
          ConfigError: if the installation's own `config.yaml` cannot be read.
        """
        packaged = plan.home / "conf"
        logging = {path.name: path.read_text(encoding="utf-8") for path in packaged.glob("log*")}
        try:
            options = java_options((packaged / "config.yaml").read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"--home must be the folder of Flink, which has conf/config.yaml: {error}") from None
        return {**logging, "config.yaml": configuration(plan, options)}

    def master(self, plan: Plan) -> Daemon:
        """Returns the JobManager."""
        return self._daemon(plan, "JobManager", "jobmanager.sh")

    def worker(self, plan: Plan, number: int) -> Daemon:
        """Returns a TaskManager."""
        return self._daemon(plan, f"worker {number}", "taskmanager.sh")

    def address(self, plan: Plan) -> str:
        """Returns the URL of the REST interface."""
        return f"http://{HOST}:{plan.port}"

    def page(self, plan: Plan) -> str:
        """Returns the same URL: it shows a page, too."""
        return self.address(plan)

    def overview_url(self, plan: Plan) -> str:
        """Returns the URL of the cluster's overview."""
        return f"{self.address(plan)}/overview"

    def _overview(self, answer: Mapping[str, Any]) -> Overview:
        return Overview(int(answer["taskmanagers"]), int(answer["slots-total"]))

    def _daemon(self, plan: Plan, name: str, script: str) -> Daemon:
        variables = {
            "FLINK_HOME": str(plan.home),
            "FLINK_CONF_DIR": str(plan.configuration),
            # In the names of its files.
            "FLINK_IDENT_STRING": name.replace(" ", "-"),
            "FLINK_PID_DIR": str(plan.temporary),
            "FLINK_LOG_DIR": str(plan.temporary),
        }
        return Daemon(name, (str(plan.home / "bin" / script), "start-foreground"), variables)


def configuration(plan: Plan, options: str) -> str:
    """Returns the text of Flink's `config.yaml`.

    Args:
      plan: the cluster.
      options: options of Java for all processes.
    """
    values = {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": plan.second_port,
        "jobmanager.bind-host": HOST,
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": plan.cores,
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": plan.port,
        "rest.bind-port": str(plan.port),
        **_SIZES,
        **_HEALTH,
        **dict.fromkeys(("io.tmp.dirs", "web.tmpdir", "blob.storage.directory"), str(plan.temporary)),
        "env.java.opts.all": options,
    }
    # Every JSON text is a YAML text.
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items())


def java_options(packaged: str) -> str:
    """Returns the options of Java in an installation's `config.yaml`, which open internal packages for Flink.

    Raises:
      ConfigError: if the text is not YAML.
    """
    import yaml

    try:
        found: Any = yaml.safe_load(packaged)
    except yaml.YAMLError as error:
        raise ConfigError(f"conf/config.yaml of Flink cannot be read: {error}") from None
    for name in _JAVA_OPTIONS:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
