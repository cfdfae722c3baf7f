"""Which of several ends is the cause. Pure: no cluster."""

import itertools

import pytest

from limbeck.errors import UserError
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError
from limbeck.launchers.far_output import readable
from limbeck.launchers.kubernetes import indexed_job
from limbeck.launchers.kubernetes.generation import Generation
from limbeck.launchers.kubernetes.mirror import Change, Changes
from limbeck.launchers.kubernetes.resources import JOB, POD
from limbeck.launchers.kubernetes.verdict import verdict
from limbeck.launchers.kubernetes.watching import Patience, Watched, Watching


class Process:
    def __init__(self, rank):
        self.rank, self.title, self.pod = rank, f"process {rank}", None

    def last_lines(self):
        return (f"last of {self.rank}",)


def pod(rank, phase="Running", code=None, deleting=False, waiting=None):
    metadata = {"name": f"pod-{rank}", "annotations": {"batch.kubernetes.io/job-completion-index": str(rank)}}
    state = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
    state = {"waiting": waiting} if waiting else state
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    status = {"phase": phase, "containerStatuses": [{"name": "tensorflow", "state": state}]}
    return {"kind": "Pod", "metadata": metadata, "status": status}


def generation(*changes, processes=2):
    made = Generation(indexed_job.KIND, processes)
    for change in changes:
        made.see(change if isinstance(change, Change) else Change(POD, change))
    return made


def judged(made, tmp_path, silent=None):
    failures = {rank: str(tmp_path / f"failure-{rank}") for rank in range(2)}
    return verdict(made, silent or {}, [Process(0), Process(1)], failures, "4Gi")


def test_a_pod_that_the_job_controller_removed_is_not_the_cause(tmp_path):
    """It did not end in its grace, so it was killed: a death by signal, and still a consequence."""
    made = generation(pod(0, "Failed", 1), pod(1, deleting=True), pod(1, "Failed", 137, deleting=True))
    assert judged(made, tmp_path).reason == "process 0 ended with exit code 1"


def test_the_first_end_counts_whatever_is_said_of_it_later(tmp_path):
    made = generation(pod(1, "Failed", 3), pod(0, "Failed", 1), Change(POD, pod(1, "Failed", 3), removed=True))
    assert judged(made, tmp_path).reason == "process 1 ended with exit code 3"


def test_a_removed_pod_whose_process_and_peers_saved_is_a_preemption(tmp_path):
    made = generation(pod(0, "Failed", 42), pod(1, "Failed", 42, deleting=True))
    assert isinstance(judged(made, tmp_path), AttemptPreemptedError)


def test_a_hung_process_explains_a_peer_that_gave_up(tmp_path):
    made = generation(pod(0, "Failed", 1), pod(1))
    error = judged(made, tmp_path, silent={1: 70.0})
    assert error.reason == (
        "process 1 said nothing for 70 s (hung or stopped), and process 0 ended with exit code 1"
    )


def test_a_pod_of_another_size_is_no_rank():
    assert generation(pod(2), processes=2).pods == {}


def test_a_job_that_is_being_removed_counts_as_removed(tmp_path):
    job = {"kind": "Job", "metadata": {"name": "j", "deletionTimestamp": "now"}, "spec": {}}
    made = generation(pod(0), pod(1), Change(JOB, job))
    error = judged(made, tmp_path)
    assert isinstance(error, AttemptFailedError) and error.reason == "somebody removed the Job j"


def watching(made, seconds, **patience):
    """A watch whose clock goes on by so many seconds at each look."""
    clock = itertools.count(0, seconds)
    watched = Watched(made, [Process(0), Process(1)], {0: "/none", 1: "/none"}, {0: "/none", 1: "/none"})
    return Watching(None, watched, Patience(heartbeat=60.0, **patience), lambda: next(clock))


def test_an_image_that_cannot_be_pulled_is_tried_for_a_while():
    waiting = {"reason": "ImagePullBackOff", "message": "denied"}
    made = generation(pod(0, "Pending", waiting=waiting), pod(1, "Pending", waiting=waiting))
    with pytest.raises(UserError, match=r"cannot be pulled \(ImagePullBackOff: denied\): give launcher\.kube"):
        watching(made, 50.0, start=1e9, pull=120.0).run(Changes())


def test_an_error_of_the_watch_ends_it():
    changes = Changes()
    changes.put(UserError("no right"))
    with pytest.raises(UserError, match="no right"):
        watching(generation(), 0.0, start=1e9).run(changes)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plain", "plain"),
        ("{no json", "{no json"),
        ('{"a": 1}', '{"a": 1}'),
        ('{"event": "phase", "time": 1, "what": "exporting"}', "phase: what=exporting"),
        ('{"event": "training", "entry": "teacher", "step": 2, "validation": null}', "training: step=2"),
    ],
)
def test_events_in_a_log_are_told_in_words(line, expected):
    assert readable(line) == expected
