"""Real processes that die, stop, are asked to end, and fail for good; and what is done about it."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from limbeck import events
from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError
from limbeck.launchers.launch import launch
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.launchers.supervisor import supervise
from limbeck.settings.recovery import RecoveryConfig
from tests.launchers import jobs

pytestmark = pytest.mark.usefixtures("no_child_is_left")
HEARTBEAT_SECONDS = 3.0


@pytest.fixture
def told(tmp_path, monkeypatch):
    """The `restarting` events so far."""
    path = tmp_path / "events.jsonl"
    path.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(path))

    def read():
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert {line["event"] for line in lines} <= {"restarting"}
        return lines

    return read


def attempts(folder, rank=1):
    return len((folder / f"attempts-{rank}").read_text())


def failing(*errors):
    """An attempt that raises these errors in turn, and then returns `done`."""
    left = list(errors)

    def attempt():
        if left:
            raise left.pop(0)
        return "done"

    return attempt


def test_pauses_double_and_a_first_preemption_has_none():
    pauses = []
    failure, preempted = AttemptFailedError("r", ["l"]), AttemptPreemptedError("p")
    outcome = supervise(
        failing(failure, preempted, failure, failure), RecoveryConfig(backoff_seconds=0.5), pauses.append
    )
    assert pauses == [0.5, 0.0, 1.0, 2.0]
    assert (outcome.result, outcome.restarts, outcome.preemptions) == ("done", 3, 1)


def test_the_same_exception_after_the_same_step_is_not_tried_a_third_time():
    alike = [AttemptFailedError("r", ["l"], "member 0 after step 20: ValueError: seven") for _ in range(2)]
    with pytest.raises(TrainingFailedError, match="after 1 restart: r"):
        supervise(failing(*alike), RecoveryConfig(restarts=3), lambda _: None)


def test_another_exception_or_another_step_is_tried_again():
    told = [
        "member 0 after step 20: E: a",
        "member 0 after step 40: E: a",
        None,
        None,
        "member 0 after step 40: E: a",
    ]
    errors = [AttemptFailedError("r", ["l"], one) for one in told]
    assert supervise(failing(*errors), RecoveryConfig(restarts=5), lambda _: None).restarts == 5


@pytest.mark.parametrize("error", [UserError("u"), OSError("o"), TrainingFailedError("left no record")])
def test_what_is_no_failure_of_a_process_is_raised_at_once(error):
    with pytest.raises(type(error)) as caught:
        supervise(failing(error), RecoveryConfig(), lambda _: pytest.fail("it was started again"))
    assert caught.value is error


def test_an_interrupt_in_a_pause_ends_the_pause():
    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        supervise(failing(AttemptFailedError("r", [])), RecoveryConfig(), interrupted)


def test_the_handler_of_another_is_left_alone_and_ours_does_not_stay():
    seen = []

    def attempt():
        seen.append(signal.getsignal(signal.SIGTERM))

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    supervise(attempt, RecoveryConfig())
    assert seen.pop() is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        supervise(attempt, RecoveryConfig())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert seen.pop() is signal.SIG_IGN


def test_it_works_in_a_thread_too():
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(supervise(failing(), RecoveryConfig())))
    thread.start()
    thread.join()
    assert outcomes[0].result == "done"


@pytest.mark.processes
def test_a_killed_process_has_all_started_again(tmp_path, told, caplog):
    with caplog.at_level(logging.WARNING):
        outcome = jobs.supervised("rank_1_dies_at_first", tmp_path, processes=3)
    assert (outcome.restarts, outcome.preemptions) == (1, 0)
    assert [record.rank for record in outcome.result] == [0, 1, 2]
    assert attempts(tmp_path) == 2
    [event] = told()
    assert event["reason"].startswith("teacher worker 0 was killed by SIGKILL")
    assert (event["attempt"], event["restart"], event["restarts"]) == (2, 1, jobs.QUICK.restarts)
    assert "Its last lines:\nabout to die" in caplog.text


@pytest.mark.processes
def test_a_process_that_dies_again_and_again_is_given_up_and_the_restarts_are_told(tmp_path, told):
    with pytest.raises(TrainingFailedError) as caught:
        jobs.supervised("rank_1_dies_always", tmp_path)
    assert attempts(tmp_path) == 3
    assert str(caught.value).startswith("after 2 restarts: teacher worker 0 was killed by SIGKILL")
    assert str(caught.value).endswith("Its last lines:\nabout to die in attempt 3")
    assert [event["restart"] for event in told()] == [1, 2]


@pytest.mark.processes
def test_a_stopped_process_is_killed_and_blamed_though_its_peer_waits_for_it(tmp_path):
    with pytest.raises(AttemptFailedError) as caught:
        jobs.launch("rank_1_stops", tmp_path, 2, HEARTBEAT_SECONDS)
    said = re.fullmatch(r"teacher worker 0 said nothing for (\d+) s \(hung or stopped\)", caught.value.reason)
    assert said and int(said[1]) >= HEARTBEAT_SECONDS
    assert caught.value.lines == ("about to stop",)


@pytest.mark.processes
def test_a_stopped_process_costs_one_restart(tmp_path, told):
    recovery = RecoveryConfig(restarts=1, backoff_seconds=0.01, heartbeat_seconds=HEARTBEAT_SECONDS)
    outcome = jobs.supervised("rank_1_stops", tmp_path, recovery=recovery)
    assert outcome.restarts == 1
    [event] = told()
    assert "said nothing for" in event["reason"]


@pytest.mark.processes
def test_a_peer_that_gives_up_first_does_not_hide_who_stopped(tmp_path):
    with pytest.raises(AttemptFailedError) as caught:
        jobs.launch("rank_1_stops_and_its_peer_gives_up", tmp_path, 2)
    reason = caught.value.reason
    assert reason.startswith("teacher worker 0 said nothing for ")
    assert reason.endswith(" s (hung or stopped), and teacher chief ended with exit code 1")
    assert caught.value.lines == ("UnavailableError: lost a peer",)


@pytest.mark.processes
def test_a_process_at_work_is_not_hung(tmp_path):
    assert len(jobs.launch("busy", tmp_path, 1, HEARTBEAT_SECONDS)) == 1


@pytest.mark.processes
def test_preemptions_are_not_counted(tmp_path, told):
    pauses = []
    outcome = jobs.supervised(
        "preempted_at_first",
        tmp_path,
        recovery=RecoveryConfig(restarts=0, backoff_seconds=3600.0),
        wait=pauses.append,
    )
    assert pauses == [0.0, 1.0, 2.0, 4.0]
    assert (outcome.restarts, outcome.preemptions) == (0, 4)
    assert attempts(tmp_path, rank=0) == 5
    assert [event["restart"] for event in told()] == [None] * 4
    assert all("was pre-empted" in event["reason"] for event in told())


@pytest.mark.processes
def test_a_failure_beside_a_preemption_is_a_failure(tmp_path):
    with pytest.raises(AttemptFailedError, match=r"^teacher chief ended with exit code 5"):
        jobs.launch("preempted_but_a_peer_failed", tmp_path, 2)


@pytest.mark.processes
def test_a_mistake_of_the_user_is_not_tried_again(tmp_path):
    with pytest.raises(UserError) as caught:
        jobs.supervised("user_failure", tmp_path, processes=1)
    assert str(caught.value) == "label 'x' is unknown"
    assert attempts(tmp_path, rank=0) == 1


@pytest.mark.processes
def test_a_storage_that_was_away_costs_one_restart_and_is_told(tmp_path, told):
    outcome = jobs.supervised("storage_is_away_at_first", tmp_path)
    assert outcome.restarts == 1
    [event] = told()
    assert event["reason"] == "teacher worker 0: the checkpoint of step 7 cannot be written"


@pytest.mark.processes
def test_what_would_fail_again_is_told_and_not_what_may_pass_beside_it(tmp_path):
    with pytest.raises(UserError, match=r"^label 'x' is unknown$"):
        jobs.supervised("storage_is_away_beside_a_mistake", tmp_path)
    assert attempts(tmp_path) == 1


@pytest.mark.processes
def test_a_training_that_broke_down_is_not_tried_again_and_earlier_restarts_are_told(tmp_path, told):
    with pytest.raises(TrainingFailedError) as caught:
        jobs.supervised("broke_down", tmp_path)
    assert str(caught.value) == "after 1 restart: the loss is nan at step 7"
    assert len(told()) == 1


@pytest.mark.processes
def test_a_launcher_that_is_asked_to_end_lets_its_processes_save_and_starts_nothing_again(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "tests.launchers.parent", "save_when_asked", str(tmp_path)],
        cwd=jobs.WORKER.parents[2],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        waiting = {process.stderr.readline() for _ in range(2)}
        assert waiting == {"[teacher chief] waiting\n", "[teacher worker 0] waiting\n"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=120) == -signal.SIGTERM
    assert sorted(path.name for path in tmp_path.glob("saved-*")) == ["saved-0", "saved-1"]
    assert [attempts(tmp_path, rank) for rank in range(2)] == [1, 1]
    assert list(tmp_path.glob("limbeck-*")) == []


@pytest.mark.processes
def test_launch_supervises_within_the_budget_that_it_is_given(tmp_path, monkeypatch):
    local = LocalLauncher([sys.executable, str(jobs.WORKER), "rank_1_dies_at_first"])
    monkeypatch.setattr("limbeck.launchers.local.launcher.from_settings", lambda _: local)
    job, cluster = jobs.job(tmp_path, 2), Cluster(workers=1)
    with pytest.raises(TrainingFailedError, match=r"^teacher worker 0 was killed by SIGKILL"):
        launch(job, cluster, recovery=RecoveryConfig(restarts=0))
    (tmp_path / "attempts-1").unlink()
    assert launch(job, cluster, recovery=jobs.QUICK).restarts == 1
