"""Engine `flink`: a cluster of Flink, by Beam's job server for it. No cluster has run it."""

from __future__ import annotations

from limbeck.engines import flink_rest
from limbeck.engines.cluster import Cluster
from limbeck.engines.kind import EngineSettings


class Flink(Cluster):
    """Apache Flink. Its minor version must be that of the job server."""

    name = "flink"
    address = r"https?://[^/\s]+:\d{1,5}"
    example = "http://127.0.0.1:8081"
    artifact = "org.apache.beam:beam-runners-flink-1.19-job-server:{}"
    option = "--flink-master"

    def check_cluster(self, settings: EngineSettings, master: str, minor: str | None) -> None:
        """Refuses a cluster that does not answer, of another minor version, or with fewer slots than workers."""
        flink_rest.assert_fits(master, minor, settings.workers)

    def cancel(self, settings: EngineSettings, job_name: str) -> list[str]:
        """Cancels the run's jobs on the cluster. They would go on after the end of the job server."""
        return [] if settings.master is None else flink_rest.cancel(settings.master, job_name)
