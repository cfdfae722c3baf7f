"""Starts one Beam worker: `python -m limbeck.beam_processes.boot --id=ID --provision_endpoint=HOST:PORT`.

The corresponding program in Beam's images is written in Go, and installs packages first. Here the packages are already
installed, but they must be the same as those of the pipeline. Beam's own worker runs in this process, so signals reach
it, and no second interpreter imports TensorFlow.

An engine that starts commands only passes these two arguments. Other engines add endpoints, which are used if the
engine's answer has none.

With `--wait` the process imports what every worker needs, and takes its arguments from a line of its standard input.
Then it runs until this pipe is closed, or until the engine has no more work.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.beam_processes import faults, identity
from limbeck.errors import ConfigError, UserError

LOG = "LIMBECK_WORKER_LOG"
# Each takes a second or more to import, and nearly every step needs it.
PACKAGES = ("apache_beam.runners.worker.sdk_worker_main", "tensorflow", "tensorflow_transform", "tfx_bsl.coders")
_SECONDS = 60.0
_OPTION = "beam:option:{}:v1"


@dataclasses.dataclass(frozen=True)
class Order:
    """An engine's request for a worker.

    Attributes:
      worker: name of the worker.
      provision: `host:port` of the service that has all other information.
      control: `host:port` of the service that gives work; empty if the provision service knows it.
      logging: `host:port` of the service that takes lines of the log; empty if the provision service knows it.
    """

    worker: str
    provision: str
    control: str = ""
    logging: str = ""

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Order:
        """Reads the arguments as Beam's engines give them, and ignores those that it does not need."""
        parser = argparse.ArgumentParser(allow_abbrev=False)
        parser.add_argument("--id", required=True)
        parser.add_argument("--provision_endpoint", required=True)
        parser.add_argument("--control_endpoint", default="")
        parser.add_argument("--logging_endpoint", default="")
        given, _ = parser.parse_known_args(arguments)
        return cls(given.id, given.provision_endpoint, given.control_endpoint, given.logging_endpoint)


def main(arguments: Sequence[str]) -> int:
    """Works for an engine until it has no more work. Returns the exit code of the process."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    _keep_output(os.environ.get(LOG))
    # If a worker is asked to end, nobody will read the results of its current work.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if "--wait" in arguments:
        for name in PACKAGES:
            importlib.import_module(name)
        line = sys.stdin.readline()
        if not line:
            return 0
        threading.Thread(target=_end_with_pipe, daemon=True).start()
        arguments = json.loads(line)
    work(Order.parse(arguments))
    return 0


def work(order: Order) -> None:
    """Runs Beam's worker. If this process does not fit the job, every piece of work fails with the reason."""
    info = provision(order)
    os.environ.update(worker_environment(order, info))
    from apache_beam.runners.worker import sdk_worker_main

    handler, harness, _ = sdk_worker_main.create_harness(os.environ)
    refusal = refused(os.environ["PIPELINE_OPTIONS"], os.environ)
    if refusal is not None:
        refuse(harness, refusal)
    try:
        harness.run()
    finally:
        if handler is not None:
            with contextlib.suppress(Exception):
                handler.close()


def provision(order: Order) -> Any:
    """Asks the engine for its `ProvisionInfo`. Raises grpc.RpcError if it does not answer in a minute."""
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2, beam_provision_api_pb2_grpc

    with grpc.insecure_channel(order.provision) as channel:
        stub = beam_provision_api_pb2_grpc.ProvisionServiceStub(channel)
        return stub.GetProvisionInfo(
            beam_provision_api_pb2.GetProvisionInfoRequest(),
            metadata=[("worker_id", order.worker)],
            timeout=_SECONDS,
            wait_for_ready=True,
        ).info


def worker_environment(order: Order, info: Any) -> dict[str, str]:
    """Returns the variables that Beam's worker reads. `info` is a `ProvisionInfo`."""
    from apache_beam.portability.api import endpoints_pb2
    from google.protobuf import json_format, text_format

    def service(url: str) -> str:
        return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))

    found = {
        "WORKER_ID": order.worker,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "CONTROL_API_SERVICE_DESCRIPTOR": service(info.control_endpoint.url or order.control),
        "LOGGING_API_SERVICE_DESCRIPTOR": service(info.logging_endpoint.url or order.logging),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }
    if info.status_endpoint.url:
        found["STATUS_API_SERVICE_DESCRIPTOR"] = service(info.status_endpoint.url)
    return found


def refused(pipeline_options: str, variables: Mapping[str, str]) -> ConfigError | None:
    """Returns why this process must not work for a job with these options, as JSON; None if it may."""
    options = json.loads(pipeline_options)
    try:
        experiments = options.get(_OPTION.format("experiments")) or []
        identity.assert_fit(identity.wanted(experiments), variables)
    except ConfigError as error:
        return error
    except UserError as error:
        return ConfigError(f"a Beam worker cannot import the task: {error}")
    return None


def refuse(harness: Any, refusal: ConfigError) -> None:
    """Lets every piece of work fail with the refusal.

    A worker that ends instead leaves the engine waiting: nothing tells the engine why it has no worker.
    """

    def fail() -> None:
        with faults.marked():
            raise refusal

    harness._request_process_bundle = lambda request: harness._execute(fail, request)


def _keep_output(path: str | None) -> None:
    """Writes the output of this process to a file. Engines discard it, or do not read the pipe, which then fills up."""
    if path:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)


def _end_with_pipe() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
