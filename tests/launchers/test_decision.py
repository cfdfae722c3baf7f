import pytest

from launchers.decision import GiveUp, Outcome, Restart, decide
from limbeck.settings.recovery import RecoveryConfig

RECOVERY = RecoveryConfig(restarts=3, backoff_seconds=0.5)
FAILED, PREEMPTED, FINAL = Outcome


@pytest.mark.parametrize(
    ("history", "decision"),
    [
        ([FAILED], Restart(0.5)),
        ([FAILED] * 2, Restart(1.0)),
        ([FAILED] * 3, Restart(2.0)),
        ([FAILED] * 4, GiveUp()),
        ([PREEMPTED], Restart(0.0)),
        ([PREEMPTED] * 1000, Restart(0.0)),
        ([PREEMPTED] * 1000 + [FAILED], Restart(0.5)),
        ([FAILED, PREEMPTED, FAILED, PREEMPTED, FAILED], Restart(2.0)),
        ([FAILED, PREEMPTED, FAILED, PREEMPTED, FAILED, FAILED], GiveUp()),
        ([FAILED] * 3 + [PREEMPTED], Restart(0.0)),
        ([FINAL], GiveUp()),
        ([FAILED, FINAL], GiveUp()),
    ],
)
def test_decide(history, decision):
    assert decide(history, RECOVERY) == decision


def test_without_restarts_the_first_failure_is_the_last_but_a_preemption_is_none():
    assert decide([FAILED], RecoveryConfig(restarts=0)) == GiveUp()
    assert decide([PREEMPTED], RecoveryConfig(restarts=0)) == Restart(0.0)
