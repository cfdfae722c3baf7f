"""Engine `dataflow`: Google Cloud Dataflow, for a compiled pipeline. No project has run it.

Its workers are Google's machines, which cannot open files of other machines. So a run on this machine cannot use this
engine, but a pipeline that is compiled with a `gs://` root can. The image starts the workers, and not our code: they
run the code in the image, and nothing compares this code with the pipeline.
"""

from __future__ import annotations

import re

from limbeck.engines.kind import EngineKind, EngineSettings, Processes
from limbeck.errors import ConfigError

_NEEDED = ("project", "region", "temp", "image")
# Google's rule for ids of projects; older ones have a domain before a colon.
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_REGION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
_BUCKET = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?")


class Dataflow(EngineKind):
    """Google Cloud Dataflow."""

    name = "dataflow"

    def check(self, settings: EngineSettings) -> None:
        """Refuses missing or invalid settings, and addresses of other engines."""
        given = ("endpoint", "pool", "command", "master", "job_server_jar")
        for name in given:
            if getattr(settings, name) is not None:
                raise ConfigError(
                    f"beam.engine=dataflow is asked at Google's own address, but beam.{name} is "
                    f"{getattr(settings, name)!r}: leave it out"
                )
        cloud = settings.dataflow
        for name in _NEEDED:
            if getattr(cloud, name) is None:
                raise ConfigError(f"beam.engine=dataflow needs beam.dataflow.{name}")
        forms = {"project": _PROJECT, "region": _REGION, "temp": _BUCKET, "staging": _BUCKET}
        for name, form in forms.items():
            value = getattr(cloud, name)
            if value is not None and not form.fullmatch(value):
                raise ConfigError(
                    f"beam.dataflow.{name} has not the form that Google gives it: received {value!r}"
                )
        if cloud.max_workers is not None and cloud.max_workers < settings.workers:
            raise ConfigError(
                f"beam.dataflow.max_workers={cloud.max_workers} is less than beam.workers={settings.workers}, with "
                "which a job begins: change one of them"
            )

    def check_machine(self, settings: EngineSettings) -> None:
        """Refuses a run on this machine."""
        raise ConfigError(
            "the workers of beam.engine=dataflow open no file of this machine: compile the pipeline with --root "
            "gs://BUCKET/FOLDER, or take another engine for `run`"
        )

    def flags(self, settings: EngineSettings, processes: Processes | None = None) -> tuple[str, ...]:
        """Returns the flags of Dataflow's runner."""
        cloud = settings.dataflow
        optional = {
            "staging_location": cloud.staging,
            "max_num_workers": cloud.max_workers,
            "worker_machine_type": cloud.machine,
            "disk_size_gb": cloud.disk_gigabytes,
            "service_account_email": cloud.service_account,
            "network": cloud.network,
            "subnetwork": cloud.subnetwork,
        }
        return (
            "--runner=DataflowRunner",
            f"--project={cloud.project}",
            f"--region={cloud.region}",
            f"--temp_location={cloud.temp}",
            f"--num_workers={settings.workers}",
            *(f"--{name}={value}" for name, value in optional.items() if value is not None),
            *(() if cloud.public_addresses else ("--no_use_public_ips",)),
            # Otherwise Beam would run `pip freeze`, and every worker would read the list.
            "--experiments=disable_logging_submission_environment",
            f"--sdk_container_image={cloud.image}",
        )
