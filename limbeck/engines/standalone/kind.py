"""The base class of clusters that `engine start` starts: what is installed, its files and commands, and its answer.

The scripts of Flink and Spark start a cluster in the background. They write process ids, logs and settings beside the
installation, and their caller does not notice if a process dies. So here each process of a cluster is a command that
stays in the foreground, and writes all files into one folder. Nothing in this package starts a process:
`limbeck.cli.standing_cluster` does.
"""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from limbeck.engines.job_server_jar import JobServerJar
from limbeck.errors import ConfigError

# Only the loopback address, because neither Flink nor Spark asks for a password.
HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Plan:
    """A cluster that is to be started.

    Attributes:
      home: folder of the installed Flink or Spark.
      folder: existing folder for all that the cluster writes. `conf` in it holds the files of `StandaloneKind.files`.
      port: the port at which a run finds the cluster.
      second_port: another port, whose use depends on the kind.
      workers: number of worker processes.
      cores: tasks that a worker runs at a time.
    """

    home: Path
    folder: Path
    port: int
    second_port: int
    workers: int = 2
    cores: int = 1

    @property
    def configuration(self) -> Path:
        """The folder of the configuration files."""
        return self.folder / "conf"

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of Java. The code that starts the cluster makes it."""
        return self.folder / "tmp"


@dataclasses.dataclass(frozen=True)
class Daemon:
    """One process of a cluster.

    Attributes:
      name: its name in messages, such as `worker 2`.
      command: program and arguments. It stays in the foreground.
      variables: variables of its environment beside the inherited ones.
    """

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Overview:
    """A cluster's own figures: how many workers it knows, and how many tasks they run at a time."""

    workers: int
    slots: int

    def complete(self, plan: Plan) -> bool:
        """Returns whether the cluster of a plan is complete. A worker may be known a moment before its slots."""
        return self.workers >= plan.workers and self.slots >= plan.workers * plan.cores


class StandaloneKind(abc.ABC):
    """A cluster of one engine on one machine.

    Attributes:
      name: the engine's name in the settings.
      title: its name in messages.
      version: the version that is supported, in words.
      install: the command that installs it.
      port: the usual port.
      slot: the unit of which a worker has one for each task that it runs at a time.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    install: ClassVar[str]
    port: ClassVar[int]
    slot: ClassVar[str]

    @abc.abstractmethod
    def installed(self) -> Path | None:
        """Returns the folder that `install` has made; None if there is none."""

    @abc.abstractmethod
    def jars(self, home: Path) -> list[str]:
        """Returns the names of the jars of an installation that contain its version."""

    @abc.abstractmethod
    def version_of(self, jar: str) -> str | None:
        """Returns the version in the name of a jar, in the form of `version`; None if there is none."""

    @abc.abstractmethod
    def supports(self, version: str) -> bool:
        """Returns whether a version is supported, as `version_of` returns it."""

    @abc.abstractmethod
    def files(self, plan: Plan) -> dict[str, str]:
        """Returns the configuration files: texts by name."""

    @abc.abstractmethod
    def master(self, plan: Plan) -> Daemon:
        """Returns the process that knows all workers."""

    @abc.abstractmethod
    def worker(self, plan: Plan, number: int) -> Daemon:
        """Returns a worker. `number` counts from 1."""

    @abc.abstractmethod
    def address(self, plan: Plan) -> str:
        """Returns the address of the cluster, as `beam.master` takes it."""

    @abc.abstractmethod
    def page(self, plan: Plan) -> str:
        """Returns the URL of the page for people."""

    @abc.abstractmethod
    def overview_url(self, plan: Plan) -> str:
        """Returns the URL whose answer `overview` reads."""

    @abc.abstractmethod
    def _overview(self, answer: Mapping[str, Any]) -> Overview:
        """Reads the answer. Raises KeyError, TypeError or ValueError if it has another form."""

    def overview(self, text: str | bytes) -> Overview | None:
        """Reads the answer at `overview_url`. Returns None if it is not from this engine."""
        try:
            return self._overview(json.loads(text))
        except (KeyError, TypeError, ValueError):
            return None

    def java_variables(self, plan: Plan) -> dict[str, str]:
        """Returns the variables that a job server in Java gets for this cluster."""
        return {}

    def uses(self, plan: Plan, artifact: str, endpoint: str | None) -> tuple[tuple[str, str], ...]:
        """Returns the uses of the cluster, in words, each with the settings of a run.

        Args:
          plan: the cluster.
          artifact: Maven's name of the job server.
          endpoint: address of the job server that was started with the cluster; None if none was.
        """
        engine = f"--set beam.engine={self.name} --set beam.workers={plan.workers * plan.cores}"
        cluster = f"--set beam.master={self.address(plan)}"
        if endpoint is None:
            jar = f"--set beam.job_server_jar=JAR ({artifact} of Maven)"
            return (("Beam's steps", f"{engine} {cluster} {jar}"),)
        return (("Beam's steps", f"{engine} {cluster} --set beam.endpoint={endpoint}"),)

    def find(self, given: Path | None) -> Path:
        """Returns the installation: the given folder, or the folder that `install` has made.

        Raises:
          ConfigError: if there is none.
        """
        home = given or self.installed()
        if home is None:
            raise ConfigError(
                f"`engine start {self.name}` needs {self.title} {self.version}, and it is not installed here: "
                f"{self.install}, or give --home of yours"
            )
        if not home.is_dir():
            raise ConfigError(f"--home must be the folder of {self.title} {self.version}; there is no {home}")
        return home

    def check(self, home: Path, jar: JobServerJar | None = None) -> str:
        """Returns the version of an installation.

        Args:
          home: its folder.
          jar: what the job server's jar is made for; None if there is no job server.

        Raises:
          ConfigError: if the folder holds no installation, or one of another version than is supported or than the
            job server needs.
        """
        version = self._only(self.version_of(name) for name in self.jars(home))
        if version is None:
            raise ConfigError(
                f"--home must be the folder of {self.title} {self.version}, but {home} holds none: {self.install}, or "
                "give another folder"
            )
        if not self.supports(version):
            raise ConfigError(
                f"Beam's job server is for {self.title} {self.version}, but {home} holds {self.title} {version}: "
                f"{self.install}, or give --home of another one"
            )
        self._check_jar(version, jar)
        return version

    def _check_jar(self, version: str, jar: JobServerJar | None) -> None:  # noqa: B027
        """Raises ConfigError if the job server is for another version. By default, its jar contains none."""

    @staticmethod
    def _only(versions: Iterable[str | None]) -> str | None:
        found = set(versions) - {None}
        # An installation with jars of two versions is not supported.
        return found.pop() if len(found) == 1 else None
