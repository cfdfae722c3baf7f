"""Which version answers, and the metrics of all workers, for Prometheus.

A request for metrics reaches only one of several workers, and a worker only knows its own metrics. So each worker keeps
its metrics in a file of a shared folder, which the environment names, and the worker that gets the request adds them up
(prometheus_client's multiprocess mode). In this mode, a value cannot be a function, so the versions are set after each
check of the serving folder.
"""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Gauge, exposition, multiprocess

from limbeck.server.student import Served


class VersionGauges:
    """The newest version, and the number of refused versions. Each worker reports its own values."""

    def __init__(self, served: Served) -> None:
        """Takes what is served. Adds the metrics to those of the process."""
        self._newest = Gauge(
            "limbeck_served_version",
            "The version that answers where a request names none.",
            multiprocess_mode="liveall",
        )
        self._refused = Gauge(
            "limbeck_refused_versions",
            "Versions in the folder that could not be loaded.",
            multiprocess_mode="liveall",
        )
        self.tell(served)

    def tell(self, served: Served) -> None:
        """Sets the metrics to what is served now."""
        self._newest.set(max(served.versions))
        self._refused.set(len(served.refused))


def add_sum(app: FastAPI) -> None:
    """Adds a path for the metrics of all workers. It must be there before KServe adds its own for the same path."""

    def answer(request: Request) -> Response:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        encoder, kind = exposition.choose_encoder(request.headers.get("accept"))
        return Response(encoder(registry), headers={"content-type": kind})

    app.add_api_route("/metrics", answer)
