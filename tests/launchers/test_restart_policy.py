import pytest

from limbeck.launchers.restart_policy import FailureKind, GiveUp, Restart, next_action
from limbeck.settings.recovery import RecoveryConfig

RECOVERY = RecoveryConfig(restarts=3, backoff_seconds=0.5)
TRANSIENT, PREEMPTION, PERMANENT = FailureKind


@pytest.mark.parametrize(
    ("failures", "action"),
    [
        ([TRANSIENT], Restart(0.5)),
        ([TRANSIENT] * 2, Restart(1.0)),
        ([TRANSIENT] * 3, Restart(2.0)),
        ([TRANSIENT] * 4, GiveUp()),
        ([PREEMPTION], Restart(0.0)),
        ([PREEMPTION] * 2, Restart(1.0)),
        ([PREEMPTION] * 4, Restart(4.0)),
        ([PREEMPTION] * 2000, Restart(60.0)),
        ([PREEMPTION] * 5 + [TRANSIENT, PREEMPTION], Restart(0.0)),
        ([PREEMPTION] * 1000 + [TRANSIENT], Restart(0.5)),
        ([TRANSIENT, PREEMPTION, TRANSIENT, PREEMPTION, TRANSIENT], Restart(2.0)),
        ([TRANSIENT, PREEMPTION, TRANSIENT, PREEMPTION, TRANSIENT, TRANSIENT], GiveUp()),
        ([TRANSIENT] * 3 + [PREEMPTION], Restart(0.0)),
        ([PERMANENT], GiveUp()),
        ([TRANSIENT, PERMANENT], GiveUp()),
    ],
)
def test_what_follows_on_failures(failures, action):
    assert next_action(failures, RECOVERY) == action


def test_without_restarts_the_first_failure_is_the_last_but_a_preemption_is_none():
    assert next_action([TRANSIENT], RecoveryConfig(restarts=0)) == GiveUp()
    assert next_action([PREEMPTION], RecoveryConfig(restarts=0)) == Restart(0.0)


def test_preemptions_within_seconds_are_no_hot_loop():
    """A hundred of them that take no time themselves: most of an hour, and not a hundred starts a minute."""
    failures = [PREEMPTION] * 100
    pauses = [next_action(failures[:count], RECOVERY).after_seconds for count in range(1, 101)]
    assert pauses == sorted(pauses) and max(pauses) == 60.0
    assert sum(pauses) > 3000
