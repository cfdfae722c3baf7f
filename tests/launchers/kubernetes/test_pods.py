"""States of pods and jobs, as Kubernetes writes them."""

import pytest

from limbeck.launchers.kubernetes import pods


def pod(phase="Running", **state):
    status = {"name": "tensorflow", "state": state}
    other = {"name": "istio-proxy", "state": {"terminated": {"exitCode": 9}}}
    return {"metadata": {}, "status": {"phase": phase, "containerStatuses": [other, *([status] if state else [])]}}


@pytest.mark.parametrize(
    ("code", "expected"), [(0, 0), (1, 1), (42, 42), (137, -9), (143, -15), (134, -6), (255, 255)]
)
def test_a_death_by_signal_is_told_as_a_shell_does(code, expected):
    assert pods.exit_code(pod(terminated={"exitCode": code})) == expected


def test_a_pod_that_was_evicted_before_it_began_has_failed():
    assert pods.exit_code(pod("Failed")) == 1
    assert pods.exit_code(pod("Pending")) is None
    assert pods.exit_code({"metadata": {}}) is None


def test_a_pod_that_runs_or_ran_has_started():
    assert pods.has_started(pod(running={})) and pods.has_started(pod(terminated={"exitCode": 1}))
    assert not pods.has_started(pod("Pending", waiting={"reason": "ContainerCreating"}))


def test_what_a_pod_waits_for():
    assert pods.waits_for(pod("Pending", waiting={"reason": "ErrImagePull"})) == "ErrImagePull"
    assert (
        pods.pull_failure(pod("Pending", waiting={"reason": "ErrImagePull", "message": "m"})) == "ErrImagePull: m"
    )
    assert pods.hopeless(pod("Pending", waiting={"reason": "ErrImagePull"})) is None
    assert pods.waits_for({"metadata": {}}) == "nothing is said about it"


@pytest.mark.parametrize(
    ("job", "suspended"),
    [
        ({"kind": "Job", "spec": {"suspend": True}}, True),
        ({"kind": "JobSet", "spec": {}}, False),
        ({"kind": "TFJob", "spec": {"runPolicy": {"suspend": True}}}, True),
        ({"kind": "TFJob", "spec": {"suspend": True}}, False),
    ],
)
def test_a_queue_suspends_each_kind_at_its_own_place(job, suspended):
    assert pods.is_suspended(job) == suspended
