"""Restarts where the processes are joined by TensorFlow's collective operations, as in a real training."""

import re
import sys
from pathlib import Path

import pytest

from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.launchers.supervisor import supervise
from limbeck.settings.recovery import RecoveryConfig
from tests.launchers import jobs
from tests.launchers.collective_worker import STEP_OF_FATE, STEPS

pytestmark = [pytest.mark.processes, pytest.mark.long]

WORKER = Path(__file__).parent / "collective_worker.py"


def attempt(behaviour, folder, heartbeat_seconds=60.0):
    launcher = LocalLauncher([sys.executable, str(WORKER), behaviour])
    return launcher.launch(
        jobs.job(folder, 2), Cluster(workers=1), RecoveryConfig(heartbeat_seconds=heartbeat_seconds)
    )


@pytest.mark.parametrize(
    ("heartbeat_seconds", "consequence"),
    # TensorFlow notices after some 7 s by itself, and ends the other process.
    [(60.0, r", and teacher chief (was killed by SIGABRT|ended with exit code 1)"), (3.0, "")],
    ids=["TensorFlow notices first", "the launcher notices first"],
)
def test_who_stopped_is_named_and_not_who_waited(tmp_path, heartbeat_seconds, consequence):
    with pytest.raises(AttemptFailedError) as caught:
        attempt("stop", tmp_path, heartbeat_seconds)
    rule = r"teacher worker 0 said nothing for \d+ s \(hung or stopped\)" + consequence
    assert re.fullmatch(rule, caught.value.reason), caught.value.reason


def test_all_save_the_same_step_and_start_again_when_one_is_asked_to_end(tmp_path):
    outcome = supervise(lambda: attempt("preempted", tmp_path), RecoveryConfig(restarts=0))
    assert (outcome.restarts, outcome.preemptions) == (0, 1)
    assert [record.steps for record in outcome.result] == [STEPS] * 2
    assert [(tmp_path / f"saved-{rank}").read_text() for rank in range(2)] == [str(STEP_OF_FATE)] * 2
