"""Jobs on Beam's job service with workers that a command starts: the very command that Flink and Spark are given."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_job_api_pb2, beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.portability.fn_api_runner.worker_handlers import WorkerHandlerManager
from google.protobuf import struct_pb2

from limbeck.beam_processes import canceller, faults, identity, ready, running
from limbeck.beam_processes.job_service import Job
from limbeck.beam_processes.pool import Pool, Spares, serve
from limbeck.engines.kind import Processes
from limbeck.errors import ConfigError
from limbeck.reference import find
from limbeck.settings.beam import BeamConfig
from limbeck.trainer.process import interpreter
from tests import ended
from tests.limbeck.beam_processes import steps

pytestmark = [pytest.mark.processes, pytest.mark.long]

SETTINGS = BeamConfig(engine="portable", environment="process", workers=2)
IDENTITY = identity.identity_of(find("digits"))


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    folder = tmp_path_factory.mktemp("engine")
    with running.engine(SETTINGS, find("digits"), folder / "workers.log", folder / "staged") as started:
        assert started is not None
        yield started


def flags_with(processes: Processes, workers: int, **changes: str) -> tuple[str, ...]:
    return dataclasses.replace(SETTINGS, workers=workers).flags(dataclasses.replace(processes, **changes))


def test_two_workers_share_the_work_and_end(processes: Processes, tmp_path: Path):
    steps.run(steps.worker_of, flags_with(processes, 2), tmp_path / "out")

    lines = [line.split() for path in tmp_path.glob("out*") for line in path.read_text().splitlines()]
    assert sorted(int(number) for number, _ in lines) == list(range(40))
    workers = {int(process) for _, process in lines}
    assert len(workers) == 2
    assert os.getpid() not in workers
    for worker in workers:
        with contextlib.suppress(psutil.NoSuchProcess):
            ended.wait([psutil.Process(worker)])


def test_a_worker_of_other_code_is_refused(processes: Processes, tmp_path: Path):
    other = identity.experiment(dataclasses.replace(IDENTITY, code="0" * 64))
    with pytest.raises(ConfigError, match="must run what the pipeline runs") as raised, faults.unmarked():
        steps.run(steps.worker_of, flags_with(processes, 1, identity=other), tmp_path / "out")
    assert "Limbeck's code with digest" in str(raised.value)
    assert list(tmp_path.glob("out*")) == []


def test_the_death_of_a_worker_ends_the_job_and_is_named(processes: Processes, tmp_path: Path):
    with pytest.raises(RuntimeError, match="a Beam worker was killed by SIGKILL"):
        steps.run(steps.die, flags_with(processes, 1), tmp_path / "out")
    assert list(tmp_path.glob("out*")) == []


def test_a_command_that_ends_at_once_is_named(processes: Processes, tmp_path: Path):
    """As where a package is missing. Nobody waits for what will never come."""
    program = tmp_path / "worker"
    program.write_text("#!/bin/sh\nexit 7\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="a Beam worker ended with exit code 7"):
        steps.run(steps.worker_of, flags_with(processes, 1, command=str(program)), tmp_path / "out")


def test_a_command_that_is_not_there_is_named(processes: Processes, tmp_path: Path):
    with pytest.raises(RuntimeError, match="no Beam worker could be started by /nowhere/boot"):
        steps.run(steps.worker_of, flags_with(processes, 1, command="/nowhere/boot"), tmp_path / "out")


# A worker that waits, without the packages that these steps do not need.
WAITING = "from limbeck.beam_processes import boot; boot.PACKAGES = (); boot.main(['--wait'])"


@pytest.fixture
def pool(processes: Processes) -> Iterator[tuple[Pool, Processes]]:
    """A pool within this process, and the job service that asks it for workers."""

    def start(_: object, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", WAITING], **options)

    made = Pool(Spares(1, interpreter.environment(os.environ), start))
    server, address = serve(made, "127.0.0.1:0")
    yield made, dataclasses.replace(processes, pool=address, command=None)
    server.stop(0)
    made.end()


def test_workers_of_a_pool_do_the_work_and_their_death_is_named(pool: tuple[Pool, Processes], tmp_path: Path):
    made, asking = pool
    steps.run(steps.worker_of, flags_with(asking, 1), tmp_path / "out")
    lines = [line for path in tmp_path.glob("out*") for line in path.read_text().splitlines()]
    assert len(lines) == 40
    assert len({line.split()[1] for line in lines}) == 1
    # The job service has had it ended.
    assert made.working == ()

    with pytest.raises(RuntimeError, match="a Beam worker of the pool ended before its work was done"):
        steps.run(steps.die, flags_with(asking, 1), tmp_path / "died")
    assert list(tmp_path.glob("died*")) == []


def test_a_job_does_not_outlive_the_process_that_submitted_it(processes: Processes, tmp_path: Path):
    """Nothing of Beam ends such a job: it writes its files long after."""
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    for name in ("started", "never"):
        os.mkfifo(tmp_path / name)
    doomed = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.limbeck.beam_processes.doomed"),
            *(processes.endpoint, "limbeck-doomed", str(tmp_path)),
            *flags_with(processes, 1, job_name="limbeck-doomed"),
        ],
        env=interpreter.environment(os.environ),
    )
    worker = psutil.Process(int((tmp_path / "started").read_text(encoding="utf-8")))
    with grpc.insecure_channel(processes.endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        jobs = stub.GetJobs(beam_job_api_pb2.GetJobsRequest()).job_info
        [job] = [one for one in jobs if canceller.name_of(one) == "limbeck-doomed"]
        doomed.kill()
        states = stub.GetStateStream(beam_job_api_pb2.GetJobStateRequest(job_id=job.job_id), timeout=60)
        assert [one.state for one in states][-1] == beam_job_api_pb2.JobState.CANCELLED
    ended.wait([worker])
    assert doomed.wait() == -signal.SIGKILL
    assert list(tmp_path.glob("out*")) == []


def test_a_server_that_does_not_start_is_told(tmp_path: Path):
    command = [sys.executable, "-c", "import sys; sys.exit(7)"]
    with pytest.raises(ready.NotStartedError, match=r"the toy did not start.*exit code 7"):
        ready.running(command, dict(os.environ), "the toy").__enter__()


@pytest.mark.parametrize("files", [0, 1], ids=["without", "with"])
def test_a_job_that_is_cancelled_before_its_workers_start_has_none(tmp_path: Path, files: int):
    """They started nevertheless, and wrote their files: a job that has been cancelled is not cancelled again.

    Of an environment with files of its own, Beam copies what its workers are told, and they did not know their job.
    """
    info = ExtendedProvisionInfo(job_name="job")
    job = Job("job-1", beam_runner_api_pb2.Pipeline(), struct_pb2.Struct(), info, None, None)
    payload = beam_runner_api_pb2.ProcessPayload(command=str(tmp_path / "worker"))
    environment = beam_runner_api_pb2.Environment(
        urn=common_urns.environments.PROCESS.urn,
        payload=payload.SerializeToString(),
        dependencies=[beam_runner_api_pb2.ArtifactInformation()] * files,
    )
    (tmp_path / "worker").write_text("#!/bin/sh\nexec sleep 600\n", encoding="utf-8")
    (tmp_path / "worker").chmod(0o755)
    before = set(psutil.Process().children())

    job.cancel()
    manager = WorkerHandlerManager({"own": environment}, info)
    with pytest.raises(RuntimeError, match="the job was cancelled"):
        manager.get_worker_handlers("own", 1)

    started = set(psutil.Process().children()) - before
    ended.wait(started)
    manager.close_all()
    assert job.state == beam_job_api_pb2.JobState.CANCELLED


def test_a_job_service_that_is_told_to_end_leaves_no_files(tmp_path: Path):
    """What jobs had staged stayed in the temporary folder until another run swept it."""
    environment = interpreter.environment(os.environ) | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "limbeck.beam_processes.job_service"]
    with ready.running(command, environment, "the job service") as address:
        assert address.startswith("localhost:")
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []
