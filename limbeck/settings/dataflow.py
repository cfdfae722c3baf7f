"""Settings section `beam.dataflow`: jobs of Google Cloud Dataflow."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT
from limbeck.settings.fields import Positive, operational


@dataclass(frozen=True, config=STRICT)
class DataflowConfig:
    """How `beam.engine=dataflow` runs (docs/engines.md). No project has run it.

    Attributes:
      project: id of the Google Cloud project of the jobs.
      region: region of the jobs, such as us-central1.
      temp: gs:// folder for what a job needs while it runs.
      staging: gs:// folder for what is handed to a job; null takes that of `temp`.
      image: URI of the image of the workers, which holds this program, the locked packages and the task.
      machine: machine type of the workers; null leaves it to Dataflow.
      max_workers: how many workers a job may grow to; null leaves it to Dataflow. `beam.workers` is how many it begins
        with.
      disk_gigabytes: size of each worker's disk; null leaves it to Dataflow.
      service_account: e-mail of the service account that the workers run as; null takes that of Compute Engine.
      network: network of the workers; null takes the default.
      subnetwork: subnetwork of the workers; null takes the default.
      public_addresses: whether workers have addresses that the internet can reach.
    """

    project: str | None = operational(None)
    region: str | None = operational(None)
    temp: str | None = operational(None)
    staging: str | None = operational(None)
    image: str | None = operational(None)
    machine: str | None = operational(None)
    max_workers: Positive | None = operational(None)
    disk_gigabytes: Positive | None = operational(None)
    service_account: str | None = operational(None)
    network: str | None = operational(None)
    subnetwork: str | None = operational(None)
    public_addresses: bool = operational(True)
