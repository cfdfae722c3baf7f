"""What Flink and Spark have in common: a cluster, and a job server in Java between it and the pipeline.

pipeline -- job server (java -jar) -- cluster -- workers: from a pool on each machine, or by a command
"""

from __future__ import annotations

import abc
import os
import re
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from limbeck.engines import java, job_server_jar, rules
from limbeck.engines.kind import EngineKind, EngineSettings, Ports, Processes
from limbeck.engines.portable import portable_flags
from limbeck.errors import ConfigError

# Python workers that have imported TensorFlow outlive a stage.
_IDLE_MILLISECONDS = 3_600_000


class Cluster(EngineKind):
    """An engine with a job server in Java.

    Attributes:
      address: the form of `beam.master`, as a regular expression.
      example: an address of that form.
      artifact: the artifact of Maven that has the job server; `{}` stands for Beam's version.
      option: the option of the job server for the address of the cluster.
    """

    starts_processes = True
    address: ClassVar[str]
    example: ClassVar[str]
    artifact: ClassVar[str]
    option: ClassVar[str]

    def check(self, settings: EngineSettings) -> None:
        """Refuses invalid addresses, and settings with no job server or with two."""
        rules.assert_addresses(settings)
        rules.assert_environment(settings)
        if settings.master is not None and not re.fullmatch(self.address, settings.master):
            raise ConfigError(
                f"beam.master is the address of the cluster, such as {self.example} for beam.engine={self.name}; "
                f"received {settings.master!r}"
            )
        if settings.endpoint is None and (settings.job_server_jar is None or settings.master is None):
            artifact = self.artifact.format(metadata.version("apache-beam"))
            raise ConfigError(
                f"beam.engine={self.name} needs a job server: give beam.endpoint of one that runs, or have the run "
                f"start one by beam.job_server_jar, the jar {artifact} of Maven, and beam.master, the address of the "
                f"cluster, such as {self.example}"
            )
        if settings.endpoint is not None and settings.job_server_jar is not None:
            raise ConfigError(
                "beam.endpoint is a job server that runs, and beam.job_server_jar would start a second one: give one "
                "of them"
            )

    def check_machine(self, settings: EngineSettings) -> None:
        """Refuses addresses that do not listen, a jar of another engine or version, a missing Java, another cluster."""
        for name, value in (("beam.endpoint", settings.endpoint), ("beam.pool", settings.pool)):
            if value is not None:
                rules.assert_listening(name, value)
        jar = None
        if settings.job_server_jar is not None:
            beam = metadata.version("apache-beam")
            jar = job_server_jar.assert_fits(Path(settings.job_server_jar), self.name, beam)
            java.version(java.find(os.environ))
        if settings.master is not None:
            self.check_cluster(settings, settings.master, jar.flink if jar else None)

    @abc.abstractmethod
    def check_cluster(self, settings: EngineSettings, master: str, minor: str | None) -> None:
        """Raises ConfigError if the cluster does not answer, or does not have the version `minor`."""

    def job_server(self, settings: EngineSettings, ports: Ports, artifacts: Path) -> tuple[str, ...] | None:
        """Returns the command of the job server in Java."""
        program = java.find(os.environ)
        return (
            *(program, *java.options(java.version(program)), "-jar", str(settings.job_server_jar)),
            *(self.option, str(settings.master), "--job-host", "127.0.0.1", "--job-port", str(ports.job)),
            # Expansion port -1: no service for Java transforms.
            *("--artifact-port", str(ports.artifact), "--expansion-port", "-1", "--artifacts-dir", str(artifacts)),
        )

    def flags(self, settings: EngineSettings, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns the flags of a portable runner, and those of a cluster."""
        if processes is None:
            raise ConfigError(
                f"beam.engine={self.name} needs the worker pool and the job server of a run, and a compiled pipeline "
                "has none: set beam.engine=local or dataflow"
            )
        return (
            # Otherwise all files of a pattern would be read in one subtask.
            "--experiments=pre_optimize=all_except_fusion",
            f"--environment_cache_millis={_IDLE_MILLISECONDS}",
            f"--parallelism={settings.workers}",
            *portable_flags(settings, processes),
        )
