"""What a training pod does before it trains."""

import json
import signal
import subprocess
import sys

import pytest

from limbeck.launchers.kubernetes import in_pod
from limbeck.trainer.distribution import cluster
from tests.launchers import jobs

ADDRESSES = ["job-0.job.team.svc:2222", "job-1.job.team.svc:2223", "job-2.job.team.svc:2224"]


@pytest.mark.parametrize("rank", range(3))
def test_tf_config_comes_from_the_completion_index(rank):
    text = in_pod.own_config({"JOB_COMPLETION_INDEX": str(rank)}, ADDRESSES)
    assert json.loads(text)["cluster"] == {"chief": ADDRESSES[:1], "worker": ADDRESSES[1:]}
    assert cluster.from_environment({"TF_CONFIG": text}).rank == rank


def test_tf_config_of_the_training_operator_is_taken():
    text = json.dumps(
        {
            "cluster": {"chief": ["j-chief-0.team.svc:2222"], "worker": ["j-worker-0.team.svc:2222"]},
            "task": {"type": "worker", "index": 0},
            "environment": "cloud",
        }
    )
    assert in_pod.own_config({"TF_CONFIG": text}, []) == text


def test_a_single_process_has_no_cluster():
    assert in_pod.own_config({"JOB_COMPLETION_INDEX": "0"}, []) == ""


@pytest.mark.processes
def test_a_pod_that_is_asked_to_end_while_it_waits_ends_as_preempted(tmp_path):
    """The first process of a container would ignore the signal."""
    command = [
        sys.executable,
        "-m",
        "limbeck.launchers.kubernetes.in_pod",
        "--files",
        str(tmp_path),
        "--start-seconds",
        "600",
    ]
    command += ["--address", "nowhere-0.invalid:1", "--address", "nowhere-1.invalid:2"]
    root = jobs.WORKER.parents[2]
    with subprocess.Popen(command, cwd=root, env={"JOB_COMPLETION_INDEX": "1", "PATH": "/usr/bin"}) as process:
        while not (tmp_path / "heartbeat-1").exists() or not (tmp_path / "heartbeat-1").read_text():
            assert process.poll() is None
        # It may be silent for as long as it waits.
        assert (tmp_path / "heartbeat-1").read_text() == "600.0"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 42
