"""The launcher against custom jobs on a port of this machine, asked by Google's own client. Processes really run."""

import contextlib
import os
import signal
import threading
from types import SimpleNamespace
from typing import ClassVar

import pytest

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError
from limbeck.launchers.local import ports
from limbeck.launchers.supervisor import supervise
from limbeck.launchers.vertex.launcher import VertexLauncher, end, logs_of, page_of
from limbeck.rank_record import RankRecord
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.vertex import VertexConfig
from tests.launchers import jobs
from tests.launchers.vertex.service import PARENT, api_of, serving

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("no_child_is_left")]
SETTINGS = VertexConfig(project="lab", region="us-central1", image="i", staging="gs://b/s", poll_seconds=0.05)
CREATE, LIST, READ = "POST customJobs", "GET customJobs", "GET customJobs"


class _Launcher(VertexLauncher):
    """Attempts lie in a folder of this machine, which processes of this machine see."""

    def __init__(self, api, folder, settings=SETTINGS):
        super().__init__(settings, api, settle=0.2)
        self._here = folder

    def _folder(self, name):
        (self._here / name).mkdir(parents=True, exist_ok=True)
        return str(self._here / name)


@pytest.fixture
def start(tmp_path):
    """Starts a service with a behaviour; returns it and a function that launches two processes."""
    with contextlib.ExitStack() as stack:
        numbers = iter(stack.enter_context(ports.held(40)))

        def begin(behaviour, processes=2, patience=600.0, settings=SETTINGS, recovery=jobs.QUICK):
            service = stack.enter_context(serving(behaviour, numbers))
            launcher = _Launcher(api_of(service, patience=patience), tmp_path / "staging", settings)
            (tmp_path / "records").mkdir(exist_ok=True)
            job = jobs.job(tmp_path / "records", processes)
            return service, lambda: launcher.launch(job, Cluster(processes - 1), recovery)

        yield begin


def test_processes_meet_and_leave_their_records(start, tmp_path):
    service, launch = start("meet", processes=3)
    assert launch() == tuple(
        RankRecord(role, rank, 7, 70, 0.5) for rank, role in enumerate(["chief", "worker", "worker"])
    )
    # Neither a job nor a file of the attempt is left.
    assert service.jobs == {} and list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize(
    ("behaviour", "kind", "message"),
    [
        ("rank_1_is_killed", AttemptFailedError, "teacher worker 0 was killed by SIGKILL"),
        ("user_failure", UserError, "label 'x' is unknown"),
        ("verbose", AttemptFailedError, "ended with exit code 4"),
        ("without_record", TrainingFailedError, "left no readable record"),
        ("preempted_at_first", AttemptPreemptedError, "was pre-empted"),
    ],
)
def test_what_processes_do_ends_in_its_verdict(start, tmp_path, behaviour, kind, message):
    service, launch = start(behaviour)
    with pytest.raises(kind, match=message):
        launch()
    assert service.jobs == {} and list((tmp_path / "staging").iterdir()) == []


def test_a_process_that_hangs_is_found_by_its_silence(start):
    service, launch = start("rank_1_stops", recovery=RecoveryConfig(heartbeat_seconds=3.0))
    with pytest.raises(AttemptFailedError, match="teacher worker 0 said nothing for"):
        launch()
    assert service.jobs == {}


def test_a_job_is_restarted_by_the_supervisor_and_preemption_is_not_charged(start):
    """Each process is pre-empted four times, and no restart is allowed."""
    service, launch = start("preempted_at_first")
    done = supervise(launch, RecoveryConfig(restarts=0), wait=lambda _: None)
    # The end of the first may come before its peer has counted.
    assert done.restarts == 0 and done.preemptions >= 4
    assert len({body["labels"]["limbeck-attempt"] for body in service.bodies}) == done.preemptions + 1


def test_a_loss_of_nan_is_not_tried_again(start):
    service, launch = start("broke_down")
    with pytest.raises(AttemptFailedError):
        launch()
    with pytest.raises(TrainingBrokeDownError, match="the loss is nan"):
        launch()
    assert len(service.bodies) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_faults_that_pass_are_waited_for(start, status):
    service, launch = start("succeed")
    service.faults = {CREATE: [(status, "later")] * 2, READ: [(status, "later")] * 3}
    assert len(launch()) == 2
    assert len(service.bodies) == 1 and service.jobs == {}


def test_a_creation_whose_answer_was_lost_is_not_repeated(start):
    service, launch = start("succeed")
    service.faults = {CREATE: [(0, "")]}
    assert len(launch()) == 2
    assert service.asked.count(CREATE) == 1 and len(service.bodies) == 1


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (429, "The following quota metrics exceed quota limits: custom_model_training_cpus", "ask for more quota"),
        (403, "Permission aiplatform.customJobs.create denied", "roles/aiplatform.user"),
        (400, "Machine type x is not supported", "look at the settings launcher.vertex"),
        (404, "project lab not found", "project lab, region us-central1"),
    ],
)
def test_what_is_refused_is_the_users_to_mend(start, status, said, message):
    service, launch = start("succeed")
    service.faults = {CREATE: [(status, said)]}
    with pytest.raises(UserError, match=message) as raised:
        launch()
    assert said in str(raised.value) and service.bodies == []


def test_credentials_that_expired_and_cannot_be_renewed_are_named(start):
    """Google's client renews them at the first 401; those of this test cannot be."""
    service, launch = start("succeed")
    service.faults = {CREATE: [(401, "Request had invalid authentication credentials")]}
    with pytest.raises(
        UserError, match=r"the credentials of this process do not work.*gcloud auth application-default"
    ):
        launch()
    assert service.bodies == []


def test_a_service_that_never_answers_ends_the_attempt_and_not_the_users_patience(start):
    service, launch = start("wait", patience=3.0)
    service.faults = {CREATE: [(503, "away")] * 99}
    with pytest.raises(AttemptFailedError, match=r"gave no answer for 3 s: .*away"):
        launch()
    assert service.bodies == []


@pytest.mark.parametrize("spot", [True, False])
def test_machines_that_are_taken_away_are_a_preemption(start, spot):
    settings = VertexConfig(**{**vars(SETTINGS), "spot": spot})
    service, launch = start("wait", settings=settings)

    def take():
        _until(service, lambda: service.asked.count("GET customJobs") > 2)
        service.jobs[f"{PARENT}/customJobs/1"].end("JOB_STATE_FAILED", signal.SIGKILL, "STOCKOUT: preempted")

    with _beside(take), pytest.raises(AttemptPreemptedError, match="taken away: STOCKOUT"):
        launch()
    assert service.jobs == {}


def test_a_job_that_somebody_cancels_is_not_started_again(start):
    service, launch = start("wait")

    def cancel():
        _until(service, lambda: service.asked.count("GET customJobs") > 2)
        service.jobs[f"{PARENT}/customJobs/1"].end("JOB_STATE_CANCELLED", signal.SIGTERM)

    with _beside(cancel), pytest.raises(UserError, match="cancelled by somebody else; its logs: https://console"):
        launch()


def test_an_interrupt_cancels_and_deletes_the_job(start):
    service, launch = start("wait")

    def interrupt():
        _until(service, lambda: service.asked.count("GET customJobs") > 2)
        os.kill(os.getpid(), signal.SIGINT)

    with _beside(interrupt), pytest.raises(KeyboardInterrupt):
        launch()
    assert service.asked[-1] == "DELETE customJobs" and "POST customJobs:cancel" in service.asked
    assert service.jobs == {}


def test_an_ended_job_is_kept_where_that_is_asked_for(start):
    service, launch = start("succeed", settings=VertexConfig(**{**vars(SETTINGS), "keep": True}))
    launch()
    (job,) = service.jobs.values()
    assert job.state == "JOB_STATE_SUCCEEDED" and "DELETE customJobs" not in service.asked


def test_what_cannot_be_ended_in_time_does_not_hold_up_the_step(caplog):
    class Slow:
        asked: ClassVar[list[str]] = []

        def get(self, _):
            return SimpleNamespace(state=SimpleNamespace(name="JOB_STATE_CANCELLING"))

        def cancel(self, name):
            self.asked.append(f"cancel {name}")

    # It has no `delete`: to delete a job that runs is refused.
    end(Slow(), "job", keep=False, seconds=0.0)
    assert Slow.asked == ["cancel job"] and "has not ended yet" in caplog.text


def test_links_lead_to_the_console():
    name = f"{PARENT}/customJobs/17"
    assert page_of("lab", "r", name).endswith("/ai/platform/locations/r/training/17?project=lab")
    assert "job_id%3D%2217%22?project=lab" in logs_of("lab", name)


def _until(service, holds):
    with service.changed:
        assert service.changed.wait_for(holds, timeout=60)


@contextlib.contextmanager
def _beside(call):
    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        thread.join()
