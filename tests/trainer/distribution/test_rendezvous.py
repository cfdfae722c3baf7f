"""Two real processes under TensorFlow's coordination service, one of which may run something else."""

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from limbeck.errors import UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.local.environment import environment
from limbeck.launchers.local.launcher import LocalLauncher, ports
from limbeck.records import to_json
from limbeck.trainer.distribution import rendezvous
from limbeck.trainer.distribution.cluster import SINGLE, Addresses, cluster_task
from limbeck.trainer.distribution.rendezvous import Identity
from tests.launchers import jobs

WORKER = Path(__file__).parent / "rendezvous_worker.py"
SAME = Identity({"python": "3.10.1", "tensorflow": "2.16.2"}, "c0de", "10b")


def launch(folder):
    launcher = LocalLauncher([sys.executable, str(WORKER)])
    return launcher.launch(jobs.job(folder, 2), Cluster(workers=1))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"versions": {"python": "3.10.1", "tensorflow": "2.15.0"}}, "tensorflow 2.15.0 (the chief: 2.16.2)"),
        ({"versions": {"tensorflow": "2.16.2"}}, "python None (the chief: 3.10.1)"),
        ({"code": "bad"}, "the code of the trainer with digest bad (the chief: c0de)"),
        ({"job": "11b"}, "a job (task, settings, data) with digest 11b (the chief: 10b)"),
    ],
)
def test_the_message_names_a_difference_with_both_values(change, told):
    with pytest.raises(UserError) as caught:
        rendezvous.assert_same(SAME, dataclasses.replace(SAME, **change), rank=3)
    assert f"the process of rank 3 has {told}:" in str(caught.value)


def test_the_message_names_all_differences_but_not_their_consequence():
    other = Identity({"python": "3.10.2", "tensorflow": "2.15.0"}, "bad", "11b")
    with pytest.raises(UserError) as caught:
        rendezvous.assert_same(SAME, other, rank=1)
    assert "python 3.10.2 (the chief: 3.10.1); tensorflow 2.15.0 (the chief: 2.16.2); the code" in str(
        caught.value
    )
    assert "11b" not in str(caught.value)


def test_this_process_knows_what_it_runs():
    mine = rendezvous.identity_of("10b")
    assert mine.versions["numpy"] == numpy.__version__
    assert mine.versions["python"] == ".".join(map(str, sys.version_info[:3]))
    assert sorted(mine.versions) == ["numpy", "python", "tensorflow", "tf_keras"]
    assert (len(mine.code), mine.job) == (64, "10b")
    rendezvous.assert_same(mine, rendezvous.identity_of("10b"), rank=1)


def test_a_single_process_meets_nobody():
    rendezvous.meet(SINGLE, SAME)


@pytest.mark.processes
@pytest.mark.long
def test_equal_processes_meet(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMBECK_TEST_IDENTITY", "{}")
    assert [record.rank for record in launch(tmp_path)] == [0, 1]


@pytest.mark.processes
@pytest.mark.long
def test_a_chief_that_leaves_before_it_has_answered_a_goodbye_is_no_failure(tmp_path, monkeypatch):
    """A training that had gone well was restarted, because its chief ended faster than its answer was sent."""
    monkeypatch.setenv("LIMBECK_TEST_IDENTITY", "{}")
    monkeypatch.setenv("LIMBECK_TEST_ANSWER", "lost")
    assert [record.rank for record in launch(tmp_path)] == [0, 1]


@pytest.mark.processes
@pytest.mark.long
@pytest.mark.parametrize(
    "pretended", [{"versions": {"tensorflow": "2.15.0"}}, {"job": "ffff"}], ids=["versions", "job"]
)
def test_a_process_that_runs_something_else_ends_the_job(tmp_path, monkeypatch, pretended):
    monkeypatch.setenv("LIMBECK_TEST_IDENTITY", json.dumps({"1": pretended}))
    with pytest.raises(UserError) as caught:
        launch(tmp_path)
    value = pretended.get("job", "2.15.0")
    assert "the process of rank 1 has" in str(caught.value)
    assert f"{value} (the chief: " in str(caught.value)


@pytest.mark.processes
@pytest.mark.long
@pytest.mark.parametrize("dead", [0, 1])
def test_a_process_does_not_wait_for_one_that_died(tmp_path, dead):
    """There is no launcher that would end it, as in pods."""
    file = tmp_path / "job.json"
    file.write_text(to_json(jobs.job(tmp_path, 2)))
    pretended = {"LIMBECK_TEST_IDENTITY": json.dumps({dead: None})}
    with contextlib.ExitStack() as stack:
        chief, worker = stack.enter_context(ports.held(2))
        addresses = Addresses(f"127.0.0.1:{chief}", (f"127.0.0.1:{worker}",))
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(WORKER), str(file)],
                    env=environment(
                        os.environ | pretended,
                        cluster_task(rank, 2),
                        addresses,
                        failure=str(file),
                        beat=str(tmp_path / "beat"),
                        scratch=str(tmp_path),
                    ),
                )
            )
            for rank in range(2)
        ]
        try:
            assert processes[dead].wait(timeout=120) == -signal.SIGKILL
            assert processes[1 - dead].wait(timeout=60) not in {0, 2}
        finally:
            for process in processes:
                process.kill()
    assert (tmp_path / f"met-{1 - dead}").exists()
    # It has not run out of patience: the service has reported the death.
    assert float((tmp_path / f"met-{1 - dead}").read_text()) < rendezvous.PATIENCE_SECONDS / 10
