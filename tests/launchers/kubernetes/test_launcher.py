"""The launcher and the official client against a loopback API server, with every fault that a cluster knows."""

import functools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from limbeck import events, files
from limbeck.errors import ConfigError, TrainingFailedError, UserError
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError
from limbeck.launchers.kubernetes import launcher, watching
from limbeck.launchers.kubernetes.plan import ATTEMPT, FOLDER
from limbeck.rank_record import RankRecord
from limbeck.settings.recovery import RecoveryConfig
from tests.launchers import jobs
from tests.launchers.kubernetes import bodies, manifests

RECORDS = (RankRecord("chief", 0, 7, 70, 0.5), RankRecord("worker", 1, 7, 70, 0.5))


def started(world, launched, processes=2):
    """The pods of a job, which all run, and which the launcher has seen."""
    try:
        world.server.await_pods(processes)
    except AssertionError:
        launched.finish()
        raise
    before = len(world.server.requests)
    world.server.start(*reversed(range(processes)))
    # It follows the log of the chief, which started last.
    world.server.wait(lambda: ("get", "pods/log") in world.server.requests[before:])
    return launched


class Clock:
    """The time of a launcher, which a test puts forward: a busy machine cannot use it up."""

    def __init__(self, monkeypatch):
        self.ahead, self.looks = 0.0, 0
        monkeypatch.setattr(launcher, "Watching", functools.partial(watching.Watching, clock=self))

    def __call__(self):
        self.looks += 1
        return time.monotonic() + self.ahead

    def await_looks(self, world):
        """Returns when the launcher has seen what the mirrors have told, and what time it is."""
        before = self.looks
        # A round of `Watching.run` asks three times.
        world.server.wait(lambda: self.looks >= before + 6)


def main_of(world, plural="jobs"):
    [job] = world.server.wait(lambda: world.server.store.all(plural))
    return job


@pytest.mark.parametrize(("kind", "plural"), [("job", "jobs"), ("jobset", "jobsets"), ("tfjob", "tfjobs")])
def test_a_job_of_pods_ends_well_with_the_rights_of_the_manifest(world, kind, plural):
    world.server.store.rules = manifests.role()
    launched = started(world, world.launch(kind=kind))
    owner = main_of(world, plural)["metadata"]["ownerReferences"]
    assert [(each["kind"], each["name"]) for each in owner] == [("Pod", "step")]
    world.succeed()
    assert launched.finish().result == RECORDS


def test_the_stock_role_is_enough_for_an_indexed_job_and_lacks_jobsets(world):
    launched = started(world, world.launch())
    world.succeed()
    launched.finish()
    with pytest.raises(
        UserError, match=r"lacks the right to create jobsets\.jobset\.x-k8s\.io in namespace team"
    ) as caught:
        world.launch(kind="jobset").finish()
    assert "kubeflow/manifests/training.yaml" in str(caught.value)


def test_a_job_of_one_process_needs_no_service(world):
    launched = started(world, world.launch(1), 1)
    world.succeed(1)
    launched.finish()
    assert ("create", "services") not in world.server.requests


def test_pods_take_over_image_account_and_secrets_of_the_step(world):
    launched = started(world, world.launch())
    spec = world.server.pod(1)["spec"]
    assert spec["serviceAccountName"] == "pipeline-runner"
    assert spec["containers"][0]["image"] == "registry.example/limbeck:7"
    assert "AWS_SECRET_ACCESS_KEY" in [each["name"] for each in spec["containers"][0]["env"]]
    world.succeed()
    launched.finish()


# Answers that pass.


@pytest.mark.parametrize(
    ("verb", "plural", "code", "times"),
    [
        ("create", "jobs", 429, 2),
        ("create", "services", 500, 1),
        ("list", "pods", 503, 1),
        ("get", "pods", 429, 1),
    ],
)
def test_a_busy_server_is_asked_again(world, verb, plural, code, times):
    world.server.fail(verb, plural, code, times=times, headers={"Retry-After": "0"})
    launched = started(world, world.launch())
    world.succeed()
    assert launched.finish().result == RECORDS
    assert world.server.faults == []


@pytest.mark.parametrize("plural", ["jobs", "services", "pods"])
def test_a_busy_server_is_asked_again_to_delete(world, plural):
    launched = started(world, world.launch())
    world.server.fail("delete", plural, 500)
    world.succeed()
    launched.finish()


@pytest.mark.parametrize("plural", ["jobs", "services"])
def test_a_lost_answer_makes_no_second_object(world, plural):
    world.server.fail("create", plural, 500, after=True)
    launched = started(world, world.launch())
    world.succeed()
    assert launched.finish().result == RECORDS
    made = [event for event in world.server.store.events if event.plural == plural and event.kind == "ADDED"]
    assert len(made) == 1


@pytest.mark.parametrize("rude", [False, True])
@pytest.mark.parametrize("gone", [False, True])
def test_a_cut_watch_misses_nothing(world, rude, gone):
    """The pods start and end while no watch is open."""
    world.server.rude = rude
    launched = world.launch()
    world.server.await_pods(2)
    world.server.wait(lambda: ("watch", "pods") in world.server.requests)
    with world.server.store.changed:
        world.server.cut()
        if gone:
            world.server.forget()
        world.server.start(0, 1)
        world.succeed()
    assert launched.finish().result == RECORDS


def test_a_pod_that_vanishes_while_no_watch_is_open_is_missed(world):
    launched = started(world, world.launch(kind="tfjob"))
    with world.server.store.changed:
        world.server.cut()
        world.server.forget()
        world.server.store.remove("pods", world.server.pod(1)["metadata"]["name"])
    with pytest.raises(
        AttemptFailedError, match=r"somebody removed the pod limbeck-teacher-\w+-worker-0-\w+ of teacher worker 0"
    ):
        launched.finish()


# Failures of processes.


def test_the_pod_that_failed_is_named_with_its_last_lines(world):
    launched = started(world, world.launch())
    world.server.say(1, *(f"line {number}" for number in range(40)), "grüße")
    world.server.end(1, 3)
    with pytest.raises(AttemptFailedError) as caught:
        launched.finish()
    assert caught.value.reason == "teacher worker 0 ended with exit code 3"
    assert caught.value.lines == (*(f"line {number}" for number in range(11, 40)), "grüße")


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (137, "Error", "was killed by SIGKILL, as the kernel does when memory runs out"),
        (139, "Error", "was killed by SIGSEGV"),
        (137, "OOMKilled", "was killed, because it took more memory than launcher.kubernetes.memory=4Gi"),
    ],
)
def test_a_death_by_signal_explains_an_earlier_lost_peer(world, code, reason, expected):
    launched = started(world, world.launch())
    with world.server.store.changed:
        # Containers of both have ended before the Job controller sees the first.
        world.server.status(0, "Running", {"terminated": {"exitCode": 1, "reason": "Error"}})
        world.server.end(1, code, reason)
    with pytest.raises(AttemptFailedError) as caught:
        launched.finish()
    assert caught.value.reason == f"teacher worker 0 {expected}"


def test_what_a_process_wrote_comes_before_what_became_of_its_pod(world):
    launched = started(world, world.launch())
    world.write_failure(1, '{"kind": "user", "message": "label x is unknown"}')
    with world.server.store.changed:
        world.server.disrupt(0)
        world.server.end(1, 2)
    with pytest.raises(UserError, match=r"^label x is unknown$"):
        launched.finish()


def test_training_that_broke_down_is_final(world):
    launched = started(world, world.launch())
    world.write_failure(0, '{"kind": "final", "message": "the loss is nan"}')
    world.server.end(0, 1)
    with pytest.raises(TrainingBrokeDownError, match="the loss is nan"):
        launched.finish()


def test_a_silent_process_is_found_out(world):
    launched = started(world, world.launch(recovery=RecoveryConfig(restarts=0, heartbeat_seconds=1.0)))
    world.beat(0)
    world.beat(1)
    with pytest.raises(AttemptFailedError, match=r"said nothing for \d s \(hung or stopped\)"):
        launched.finish()


def test_an_end_without_a_record_is_a_failure(world):
    launched = started(world, world.launch())
    for rank in range(2):
        world.server.end(rank, 0)
    with pytest.raises(TrainingFailedError, match="left no readable record"):
        launched.finish()


# Pods that are taken away.


def test_preemption_of_any_pod_explains_a_failure_of_another(world):
    """A peer of the evicted pod loses it, and fails before the eviction is told."""
    launched = started(world, world.launch(settle=1.0))
    with world.server.store.changed:
        world.server.disrupt(1)
        world.server.end(0, 1)
    with pytest.raises(
        AttemptPreemptedError, match=r"^teacher worker 0 was pre-empted \(PreemptionByScheduler: a higher"
    ):
        launched.finish()


def test_a_condition_that_comes_after_the_deaths_still_explains_them(world):
    launched = started(world, world.launch(settle=0.0))
    with world.server.store.changed:
        world.server.end(1, 137)
        pod = world.server.pod(1)
        pod["status"]["conditions"] = [
            {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
        ]
        # No watch tells of it: it is found by the last look.
        world.server.store.objects["pods", pod["metadata"]["name"]] = pod
    with pytest.raises(AttemptPreemptedError, match="TerminationByKubelet"):
        launched.finish()


def test_processes_that_saved_when_asked_to_end_were_preempted(world):
    launched = started(world, world.launch())
    with world.server.store.changed:
        for rank in range(2):
            world.server.status(rank, "Running", {"terminated": {"exitCode": 42, "reason": "Error"}})
    with pytest.raises(AttemptPreemptedError, match="was pre-empted, and saved"):
        launched.finish()


def test_preemptions_cost_no_restart(world):
    launched = started(world, world.launch(recovery=RecoveryConfig(restarts=1)))
    for _ in range(2):
        names = {pod["metadata"]["name"] for pod in world.server.training_pods()}
        world.server.disrupt(1)
        world.server.end(1, 143)
        world.server.wait(
            lambda names=names: (
                len(now := world.server.training_pods()) == 2
                and not names & {pod["metadata"]["name"] for pod in now}
            )
        )
        world.server.start(0, 1)
    world.succeed()
    done = launched.finish()
    assert (done.restarts, done.preemptions) == (0, 2)


def test_a_removed_job_is_told(world):
    launched = started(world, world.launch())
    job = main_of(world)
    world.server.controllers.delete("jobs", job["metadata"]["name"], {})
    with pytest.raises(AttemptFailedError, match=r"^somebody removed the Job limbeck-teacher-"):
        launched.finish()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_removed_job_is_told_when_only_its_pods_are_seen_to_go(world, replaced):
    """Two watches told of one removal, and the watch of the pods was first now and then: a pod was blamed."""
    world.server.fail("list", "jobs", 500, times=10_000)
    launched = started(world, world.launch())
    job = main_of(world)
    with world.server.store.changed:
        world.server.controllers.delete("jobs", job["metadata"]["name"], {})
        if replaced:
            # A Job of the same name is another one.
            world.server.store.create("jobs", job)
    with pytest.raises(AttemptFailedError, match=r"^somebody removed the Job limbeck-teacher-"):
        launched.finish()


def test_a_job_that_is_removed_before_anybody_watches_is_told(world):
    world.server.fail("list", "jobs", 500, times=2)
    launched = world.launch()
    world.server.await_pods(2)
    world.server.controllers.delete("jobs", main_of(world)["metadata"]["name"], {})
    with pytest.raises(AttemptFailedError, match=r"^somebody removed the Job limbeck-teacher-"):
        launched.finish()


def test_a_removed_pod_is_told(world):
    launched = started(world, world.launch())
    world.server.controllers.delete_pod(world.server.pod(0)["metadata"]["name"])
    with pytest.raises(AttemptFailedError, match=r"^somebody removed the pod .* of teacher chief"):
        launched.finish()


def test_a_job_that_fails_without_a_failed_pod_is_told(world):
    launched = started(world, world.launch())
    job = main_of(world)
    job["status"]["conditions"] = [
        {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "late"}
    ]
    world.server.store.update("jobs", job)
    with pytest.raises(AttemptFailedError, match=r"without a failed pod \(DeadlineExceeded: late\)"):
        launched.finish()


# Kueue.


def test_time_in_a_queue_does_not_count_and_what_the_queue_takes_back_is_no_failure(world, monkeypatch):
    clock = Clock(monkeypatch)
    world.server.controllers.admitted = False
    launched = world.launch(queue="training", start_seconds=60.0)
    job = main_of(world)
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "training"
    world.server.wait(lambda: ("watch", "jobs") in world.server.requests)
    clock.await_looks(world)
    clock.ahead = 3600.0
    clock.await_looks(world)
    assert launched.thread.is_alive()
    world.server.controllers.suspend(job["metadata"]["name"], suspended=False)
    started(world, launched)
    world.server.controllers.suspend(job["metadata"]["name"])
    with pytest.raises(AttemptPreemptedError, match="the queue took the pods back"):
        launched.finish()


# An earlier attempt.


def left_over(world, owner=None):
    """A job of an earlier attempt, whose launcher was killed."""
    launched = started(world, world.launch())
    job = main_of(world)
    world.server.end(0, 1)
    with pytest.raises(AttemptFailedError):
        launched.finish()
    folder = world.folder / "staging" / "limbeck-earlier"
    files.write_text(folder / "model" / "half", "x")
    for key in ("uid", "resourceVersion", "ownerReferences"):
        job["metadata"].pop(key, None)
    job["metadata"]["labels"][ATTEMPT] = "earlier"
    job["spec"]["template"]["metadata"]["labels"][ATTEMPT] = "earlier"
    job["metadata"]["annotations"][FOLDER] = str(folder)
    if owner:
        job["metadata"]["ownerReferences"] = [owner]
    world.server.store.create("jobs", job)
    service = bodies.plan().metadata() | {"name": job["metadata"]["name"], "ownerReferences": []}
    service["labels"][ATTEMPT] = "earlier"
    world.server.store.create(
        "services", {"apiVersion": "v1", "kind": "Service", "metadata": service, "spec": {"clusterIP": "None"}}
    )


def test_what_an_earlier_attempt_left_is_removed_first(world):
    left_over(world, {"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "1"})
    launched = world.launch()
    world.server.wait(
        lambda: all(p["metadata"]["labels"][ATTEMPT] != "earlier" for p in world.server.training_pods())
    )
    started(world, launched)
    assert [service["metadata"]["labels"][ATTEMPT] for service in world.server.store.all("services")] == [
        main_of(world)["metadata"]["labels"][ATTEMPT]
    ]
    world.succeed()
    assert launched.finish().result == RECORDS
    assert not (world.folder / "staging" / "limbeck-earlier").exists()


def test_the_job_of_a_step_that_lives_is_left_alone(world):
    other = bodies.step_pod()
    other["metadata"]["name"] = "other"
    other = world.server.store.create("pods", other)
    other["status"] = {"phase": "Running"}
    world.server.store.update("pods", other)
    owner = {"apiVersion": "v1", "kind": "Pod", "name": "other", "uid": other["metadata"]["uid"]}
    left_over(world, owner)
    with pytest.raises(UserError, match="the pod other of another run trains the same job now"):
        world.launch().finish()
    assert len(world.server.store.all("jobs")) == len(world.server.store.all("services")) == 1
    assert len(world.server.training_pods()) == 2
    # With the pod of its step, all of it goes; what stands in the folder is that launch's own.
    world.server.controllers.delete_pod("other")
    world.server.store.remove("services", world.server.store.all("services")[0]["metadata"]["name"])
    files.remove_folder(world.folder / "staging")


# Refusals.


@pytest.mark.parametrize(
    ("asked", "code", "said", "expected"),
    [
        (("create", "jobs"), 403, "exceeded quota: gpus", "the quota of namespace team has no room"),
        (("create", "jobs"), 403, "admission webhook denied: no", "an admission rule of the cluster refuses"),
        (("create", "services"), 422, "spec is wrong", "refuses the Service as invalid: spec is wrong"),
        (("get", "pods"), 401, "Unauthorized", "does not accept the credentials"),
    ],
)
def test_a_refusal_is_a_sentence(world, asked, code, said, expected):
    world.server.fail(*asked, code, said)
    with pytest.raises(UserError, match=expected):
        world.launch().finish()


@pytest.mark.parametrize(
    ("verb", "resource"),
    [("create", "jobs"), ("create", "services"), ("list", "pods"), ("watch", "jobs"), ("get", "pods")],
)
def test_a_missing_right_is_named(world, verb, resource):
    def without(rule):
        verbs = ["create", "get", "list", "watch", "delete"]
        return rule | {"verbs": [each for each in verbs if each != verb or resource not in rule["resources"]]}

    world.server.store.rules = tuple(without(rule) for rule in manifests.role())
    group = ".batch" if resource == "jobs" else ""
    with pytest.raises(UserError, match=rf"lacks the right to {verb} {resource}{group} in namespace team"):
        world.launch().finish()
    # Where pods cannot be listed, nobody can wait for their end.
    for pod in world.server.training_pods():
        world.server.controllers.delete_pod(pod["metadata"]["name"])


def test_an_unknown_namespace_is_told(world):
    with pytest.raises(UserError, match=r"there is no namespace nowhere .*: give launcher\.kubernetes\.namespace"):
        world.launch(namespace="nowhere", image="i:1").finish()


def test_a_missing_image_is_told_where_there_is_no_pod_to_take_it_from(world, monkeypatch):
    monkeypatch.delenv("KFP_POD_NAME")
    with pytest.raises(ConfigError, match=r"give launcher\.kubernetes\.image"):
        world.launch().finish()


def test_without_a_cluster_the_remedy_is_told(world, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="needs a cluster, and none is known here"):
        world.launch().finish()


# Pods that do not start.


def test_a_pod_that_finds_no_node_is_told(world, monkeypatch):
    clock = Clock(monkeypatch)
    launched = world.launch(start_seconds=60.0)
    world.server.await_pods(2)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    world.server.status(1, "Pending", conditions=[condition])
    world.server.start(0)
    # It follows the log of the pod that has started, of which it heard last.
    world.server.wait(lambda: ("get", "pods/log") in world.server.requests)
    clock.ahead = 61.0
    with pytest.raises(
        UserError, match=r"1 of 2 training pods did not start .* waits for: Unschedulable: 0/3 nodes"
    ):
        launched.finish()


def test_an_image_with_an_impossible_name_is_told_at_once(world):
    launched = world.launch()
    world.server.await_pods(2)
    world.server.status(1, "Pending", {"waiting": {"reason": "InvalidImageName", "message": "no: tag"}})
    with pytest.raises(
        UserError,
        match=r"teacher worker 0 cannot start \(InvalidImageName: no: tag\): give launcher.kubernetes.image",
    ):
        launched.finish()


# The launching process itself.


SCRIPT = """
import sys
from pathlib import Path
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from tests.launchers import jobs
from limbeck.settings.launcher import LauncherConfig
from limbeck.settings.pods import PodsConfig
folder = sys.argv[1]
pods = PodsConfig(staging=folder + "/staging", claim="data", mount=folder)
settings = LauncherConfig(name="kubernetes", kubernetes=pods)
launch(jobs.job(folder + "/job", 2), Cluster(workers=1), settings)
"""


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_where_the_launching_process_is_asked_to_end(world, number):
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{SCRIPT}"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(world.folder)], cwd=jobs.WORKER.parents[2], stderr=subprocess.DEVNULL
    ) as process:
        world.server.await_pods(2, 60.0)
        world.server.start(0, 1)
        world.server.wait(lambda: ("get", "pods/log") in world.server.requests)
        process.send_signal(number)
        assert process.wait(60) == -number


# The log.


def test_the_log_of_the_chief_is_passed_on_once_however_often_it_is_cut(world, capfd, monkeypatch):
    log = world.folder / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(log))
    launched = started(world, world.launch())
    world.server.say(0, "grüße", "zwei", "zwei")
    for number in range(3):
        world.server.cut()
        world.server.say(0, f"nach {number}")
    world.server.say(0, json.dumps({"event": "training", "time": 1.0, "entry": "teacher", "step": 4, "loss": 0.5}))
    world.succeed()
    launched.finish()
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("[teacher chief]")]
    assert told == [
        f"[teacher chief] {line}"
        for line in ("grüße", "zwei", "zwei", "nach 0", "nach 1", "nach 2", "training: step=4 loss=0.5")
    ]
    [event] = [json.loads(line) for line in Path(log).read_text().splitlines()]
    assert (event["event"], event["step"], event["loss"]) == ("training", 4, 0.5)
