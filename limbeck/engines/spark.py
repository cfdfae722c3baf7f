"""Engine `spark`: a standalone cluster of Spark, by Beam's job server for it. No cluster has run it.

The job server is the driver of the application. When it ends, the application ends, too.
"""

from __future__ import annotations

from limbeck.engines import rules
from limbeck.engines.cluster import Cluster
from limbeck.engines.kind import EngineSettings


class Spark(Cluster):
    """Apache Spark. Its version must be the one that the job server was built with: 3.5.0 for Beam 2.64.0."""

    name = "spark"
    address = r"spark://[^/\s]+:\d{1,5}"
    example = "spark://127.0.0.1:7077"
    artifact = "org.apache.beam:beam-runners-spark-3-job-server:{}"
    option = "--spark-master-url"

    def check_cluster(self, settings: EngineSettings, master: str, minor: str | None) -> None:
        """Refuses a cluster that does not listen. Its port does not tell its version."""
        rules.assert_listening("beam.master", master.removeprefix("spark://"))
