"""Settings section `launcher.vertex`: custom jobs of Vertex AI."""

from __future__ import annotations

import re

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import NotNegative, Positive, PositiveFloat, operational

# What a job cannot be made without.
_NEEDED = ("project", "region", "image", "staging")
_MANY_PROCESSES = 3


@dataclass(frozen=True, config=STRICT)
class VertexConfig:
    """How `launcher.name=vertex` trains: each process of a job on a machine of its own.

    Attributes:
      project: id of the Google Cloud project of the jobs.
      region: region of the jobs, such as us-central1.
      image: URI of the image of every process; it holds this program and the task.
      staging: gs:// folder to which a training job's files are copied, because its machines do not see those of the
        step. What is copied there is removed again.
      machine: machine type of each process.
      accelerator: type of the accelerators of each process, as Vertex AI names them, such as NVIDIA_TESLA_T4.
      accelerators: number of accelerators of each process.
      disk_gigabytes: size of each machine's boot disk.
      spot: takes spot machines. They cost less and may be taken away: the job goes on from its checkpoint then, which
        costs none of `recovery.restarts`.
      service_account: e-mail of the service account that the processes run as; null takes that of Vertex AI.
      network: full name of the network that the processes are peered with; null takes none.
      reduction_servers: machines that sum gradients of GPUs for the others; needs two workers or more, and Google's
        plug-in for NCCL in the image.
      reduction_machine: machine type of each reduction server.
      reduction_image: image of each reduction server.
      hours: how long one attempt may run.
      start_seconds: how long all processes may take to be there, from the first on. The time in a queue does not count.
      poll_seconds: pause between two looks at the state of a job.
      keep: leaves ended jobs in the list of Vertex AI.
    """

    project: str | None = operational(None)
    region: str | None = operational(None)
    image: str | None = operational(None)
    staging: str | None = operational(None)
    machine: str = operational("n1-standard-8")
    accelerator: str | None = operational(None)
    accelerators: NotNegative = operational(0)
    disk_gigabytes: Positive = operational(100)
    spot: bool = operational(False)
    service_account: str | None = operational(None)
    network: str | None = operational(None)
    reduction_servers: NotNegative = operational(0)
    reduction_machine: str = operational("n1-highcpu-16")
    reduction_image: str = operational("us-docker.pkg.dev/vertex-ai-restricted/training/reductionserver:latest")
    hours: PositiveFloat = operational(168.0)
    start_seconds: PositiveFloat = operational(1800.0)
    poll_seconds: PositiveFloat = operational(10.0)
    keep: bool = operational(False)

    def __post_init__(self) -> None:
        if (self.accelerator is None) != (self.accelerators == 0):
            raise ConfigError(
                "launcher.vertex.accelerator and launcher.vertex.accelerators belong together: give a type and a "
                "number, or neither"
            )
        if self.staging is not None and not re.fullmatch(r"gs://[^/]+(/.*)?", self.staging):
            raise ConfigError(f"launcher.vertex.staging must be a gs:// URI, received {self.staging}")

    def check(self) -> None:
        """Raises ConfigError if no job can be made with these settings."""
        for name in _NEEDED:
            if getattr(self, name) is None:
                raise ConfigError(f"launcher.name=vertex needs launcher.vertex.{name}")

    def check_processes(self, processes: int) -> None:
        """Raises ConfigError if a job of so many processes cannot use these settings."""
        if self.reduction_servers and processes < _MANY_PROCESSES:
            raise ConfigError(
                "launcher.vertex.reduction_servers sum gradients for two workers or more besides the chief: set "
                f"strategy.workers to {_MANY_PROCESSES} or more, received {processes}"
            )
        if self.reduction_servers and self.accelerator is None:
            raise ConfigError(
                "launcher.vertex.reduction_servers sum gradients of GPUs: set launcher.vertex.accelerator"
            )
