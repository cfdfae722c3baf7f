"""Cancels the jobs of a run that has died: `python -m limbeck.beam_processes.canceller SETTINGS HOST:PORT NAME`.

If the process that submitted a job ends, the job goes on, and writes files into the folders of a run that is over. A
process that is killed cannot prevent this. So the canceller reads a pipe that the run holds open. If the pipe closes
without a final message, the canceller cancels the jobs with the run's name. It has its own session, so that a signal
that ends the run does not end the canceller.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from limbeck.engines.registry import engine_kind
from limbeck.errors import UserError
from limbeck.records import from_json, to_json
from limbeck.settings.beam import BeamConfig

_FAREWELL = b"done"
_SECONDS = 10.0
# A job that was just submitted may not be in the list yet.
_ROUNDS, _PAUSE_SECONDS = 5, 0.5


@contextlib.contextmanager
def watching(settings: BeamConfig, endpoint: str, job_name: str) -> Iterator[None]:
    """Cancels all jobs with a name on a job service and its cluster if this process dies within the context."""
    process = subprocess.Popen(
        [sys.executable, "-m", "limbeck.beam_processes.canceller", to_json(settings), endpoint, job_name],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.communicate(_FAREWELL)


def cancel(stub: Any, job_name: str) -> list[str]:
    """Cancels the jobs with this name that have not ended. Returns their ids.

    Args:
      stub: of a job service.
      job_name: the value of `--job_name`.

    Raises:
      grpc.RpcError: if the service does not answer.
    """
    from apache_beam.portability.api import beam_job_api_pb2

    ended = {
        getattr(beam_job_api_pb2.JobState, name) for name in ("DONE", "FAILED", "CANCELLED", "DRAINED", "UPDATED")
    }
    jobs = stub.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=_SECONDS).job_info
    found = [one.job_id for one in jobs if name_of(one) == job_name and one.state not in ended]
    for job in found:
        stub.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job), timeout=_SECONDS)
    return found


def name_of(job: Any) -> str | None:
    """Returns the name of a job, a `JobInfo`. Beam itself calls every job "job", and keeps the name in its options."""
    fields = job.pipeline_options.fields
    return fields["beam:option:job_name:v1"].string_value if "beam:option:job_name:v1" in fields else None


def main(arguments: Sequence[str]) -> int:
    """Waits for the end of standard input. Returns the exit code of the process."""
    # Imported before the pipe ends, because every moment counts then.
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2_grpc

    settings, (endpoint, job_name) = from_json(BeamConfig, arguments[0]), arguments[1:]
    kind, missed = engine_kind(settings.engine), 0
    if sys.stdin.buffer.read() == _FAREWELL:
        return 0
    with grpc.insecure_channel(endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        for _ in range(_ROUNDS):
            missed = 0
            try:
                _say(cancel(stub, job_name))
            except grpc.RpcError:
                # If the run has started the job server, the server has ended with the run.
                missed += settings.endpoint is not None
            try:
                _say(kind.cancel(settings, job_name))
            except UserError:
                missed += 1
            threading.Event().wait(_PAUSE_SECONDS)
    if missed:
        sys.stderr.write(f"the jobs {job_name} may still run: {endpoint} or its cluster does not answer\n")
    return min(missed, 1)


def _say(jobs: list[str]) -> None:
    for job in jobs:
        sys.stderr.write(f"cancelled the job {job}, because its run has died\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
