"""The base class of engines: what an engine needs, what it refuses, and the flags that Beam gets for it.

In Beam, an engine is a dozen flags. Some flags are needed by every engine, a missing one can silently break a pipeline,
and the same name has different meanings for different engines. So each engine is one object that returns all of its
flags, and refuses settings that it would ignore. It does not import Beam, because settings are checked in every
process.
"""

from __future__ import annotations

import abc
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Protocol

# The module that a worker imports to count what it reads and writes.
COUNTS = "limbeck.beam_processes.counting_plugin"


class DataflowSettings(Protocol):
    """The settings of Dataflow: those of `limbeck.settings.dataflow.DataflowConfig`, which explains them."""

    @property
    def project(self) -> str | None:
        """Id of a project."""

    @property
    def region(self) -> str | None:
        """Name of a region."""

    @property
    def temp(self) -> str | None:
        """`gs://` folder."""

    @property
    def staging(self) -> str | None:
        """`gs://` folder."""

    @property
    def image(self) -> str | None:
        """URI of an image."""

    @property
    def machine(self) -> str | None:
        """Machine type."""

    @property
    def max_workers(self) -> int | None:
        """Number of workers."""

    @property
    def disk_gigabytes(self) -> int | None:
        """Size in gigabytes."""

    @property
    def service_account(self) -> str | None:
        """E-mail of a service account."""

    @property
    def network(self) -> str | None:
        """Name of a network."""

    @property
    def subnetwork(self) -> str | None:
        """Name of a subnetwork."""

    @property
    def public_addresses(self) -> bool:
        """Whether workers have public addresses."""


class EngineSettings(Protocol):
    """The settings that an engine reads: those of `limbeck.settings.beam.BeamConfig`."""

    @property
    def engine(self) -> str:
        """Name of the engine."""

    @property
    def workers(self) -> int:
        """Number of worker processes."""

    @property
    def endpoint(self) -> str | None:
        """`host:port` of an existing job service; None lets the run start one."""

    @property
    def environment(self) -> str:
        """How the engine gets its workers: `external` or `process`."""

    @property
    def pool(self) -> str | None:
        """`host:port` of an existing worker pool; None lets the run start one."""

    @property
    def command(self) -> str | None:
        """Path of the program that starts a worker, on the engine's machines; None lets the run write one."""

    @property
    def master(self) -> str | None:
        """Address of a cluster; None if the job server knows it."""

    @property
    def job_server_jar(self) -> str | None:
        """Path of a job server in Java, which the run starts; None if there is none."""

    @property
    def dataflow(self) -> DataflowSettings:
        """The settings of Dataflow."""


@dataclasses.dataclass(frozen=True)
class Ports:
    """Free ports for a job server in Java."""

    job: int
    artifact: int


@dataclasses.dataclass(frozen=True)
class Processes:
    """The data about Beam's processes that are known only after a run has begun.

    Attributes:
      endpoint: `host:port` of the job service.
      pool: `host:port` of the worker pool; None if workers are started by `command`.
      command: path of the program that starts a worker; None if they come from `pool`.
      identity: the required identity of a worker, as `limbeck.beam_processes.identity` writes it.
      job_name: name of the jobs of this run, by which they can be found.
      variables: variables of the environment of workers that `command` starts.
    """

    endpoint: str
    pool: str | None
    command: str | None
    identity: str
    job_name: str
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def environment_flags(self) -> tuple[str, ...]:
        """Returns the flags that say how workers are started."""
        if self.pool is not None:
            return ("--environment_type=EXTERNAL", f"--environment_config={self.pool}")
        payload = json.dumps({"command": self.command, "env": dict(self.variables)}, sort_keys=True)
        return ("--environment_type=PROCESS", f"--environment_config={payload}")


class EngineKind(abc.ABC):
    """One engine.

    Attributes:
      name: its name in the settings (`beam.engine`).
      starts_processes: whether a run starts processes for it, or cancels jobs on it: `limbeck.beam_processes.running`.
    """

    name: ClassVar[str]
    starts_processes: ClassVar[bool] = False

    @abc.abstractmethod
    def check(self, settings: EngineSettings) -> None:
        """Raises ConfigError if the settings contradict the engine."""

    def check_machine(self, settings: EngineSettings) -> None:  # noqa: B027
        """Raises ConfigError if this machine cannot use the engine now. By default it can."""

    def job_server(self, settings: EngineSettings, ports: Ports, artifacts: Path) -> tuple[str, ...] | None:
        """Returns the command of a job server for the run to start; None takes Beam's in Python.

        Args:
          settings: the settings.
          ports: the ports at which it listens.
          artifacts: a folder that all machines of the engine share.
        """
        return None

    def cancel(self, settings: EngineSettings, job_name: str) -> list[str]:
        """Cancels jobs that go on after the end of the job server, and returns their ids. By default there are none."""
        return []

    @abc.abstractmethod
    def flags(self, settings: EngineSettings, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns the flags of every Beam pipeline.

        Args:
          settings: the settings.
          processes: the processes of the run; None if there is no run, as for a pipeline that is compiled.

        Raises:
          ConfigError: if the engine needs the processes of a run.
        """
