import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from limbeck import temporary
from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.local.launcher import LocalLauncher
from limbeck.rank_record import RankRecord
from limbeck.records import to_json
from tests import ended
from tests.launchers import jobs

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("no_child_is_left")]


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """What two processes see, by rank, when the launching process has settings of its own."""
    monkeypatch.setenv("TF_CONFIG", '{"cluster": "of somebody else"}')
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("LIMBECK_EVENTS", "/events")
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.delenv("no_grpc_proxy", raising=False)
    jobs.launch("observe", tmp_path, processes=2)
    return [json.loads((tmp_path / f"seen-{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("processes", [1, 3])
def test_returns_the_record_of_every_rank(tmp_path, processes):
    records = jobs.launch("succeed", tmp_path, processes)
    roles = ["chief", "worker", "worker"][:processes]
    assert records == tuple(RankRecord(role, rank, 7, 70, 0.5) for rank, role in enumerate(roles))


def test_output_is_passed_on_by_line_with_its_role(tmp_path, capfd):
    jobs.launch("succeed", tmp_path, processes=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert sorted(err.splitlines()) == [
        "[teacher chief] grüße from 0",
        "[teacher chief] problem",
        "[teacher worker 0] grüße from 1",
        "[teacher worker 0] problem",
    ]


def test_processes_are_fresh_interpreters(seen, tmp_path):
    import numpy  # noqa: F401  (the launching process has it)

    for one in seen:
        assert not {"numpy", "tensorflow", "tfx", "apache_beam"} & set(one["modules"])
        assert one["pid"] != os.getpid()
        assert one["job"] == to_json(jobs.job(tmp_path, 2))


def test_processes_work_in_a_scratch_folder_that_is_removed(seen):
    folders = {one["cwd"] for one in seen}
    assert {one["environment"]["TMPDIR"] for one in seen} == folders
    assert len(folders) == 1 and folders != {str(Path.cwd())}
    left = {name for one in seen for name in one["files"]} - {"heartbeat-0", "heartbeat-1"}
    assert left == {"job.json"}
    assert not Path(folders.pop()).exists()


def test_environment_of_the_processes(seen):
    environments = [one["environment"] for one in seen]
    configs = [json.loads(environment["TF_CONFIG"]) for environment in environments]
    assert configs[0]["cluster"] == configs[1]["cluster"]
    assert [config["task"] for config in configs] == [
        {"type": "chief", "index": 0},
        {"type": "worker", "index": 0},
    ]
    threads = str(max(1, len(os.sched_getaffinity(0)) // 2))
    for environment in environments:
        project = str(jobs.WORKER.parents[2])
        assert environment["PYTHONPATH"].split(os.pathsep) == [project, "/elsewhere"]
        assert environment["PYTHONUNBUFFERED"] == environment["TF_USE_LEGACY_KERAS"] == "1"
        assert environment["TF_NUM_INTRAOP_THREADS"] == threads
        assert environment["TF_NUM_INTEROP_THREADS"] == threads
        assert environment["OMP_NUM_THREADS"] == threads
        assert environment["LIMBECK_PARENT"] == str(os.getpid())
        assert environment["LIMBECK_EVENTS"] == "/events"
        assert environment["no_grpc_proxy"] == "example.org,127.0.0.1"
    for own in ("LIMBECK_FAILURE", "LIMBECK_HEARTBEAT"):
        assert environments[0][own] != environments[1][own]


def test_a_single_process_has_no_cluster_even_where_the_launching_process_has(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": "of somebody else"}')
    jobs.launch("observe", tmp_path)
    seen = json.loads((tmp_path / "seen-0.json").read_text())
    assert "TF_CONFIG" not in seen["environment"]


def test_processes_listen_at_their_addresses_and_find_each_other(tmp_path):
    assert len(jobs.launch("meet", tmp_path, processes=3)) == 3


def test_a_killed_process_ends_all_and_is_named(tmp_path):
    with pytest.raises(TrainingFailedError) as caught:
        jobs.launch("rank_1_is_killed", tmp_path, processes=3)
    message = str(caught.value)
    assert message.startswith("teacher worker 0 was killed by SIGKILL")
    assert message.endswith("Its last lines:\nabout to die")


def test_a_death_by_signal_explains_an_earlier_lost_peer(tmp_path):
    with pytest.raises(TrainingFailedError, match=r"^teacher worker 0 was killed by SIGKILL"):
        jobs.launch("killed_after_peer_failed", tmp_path, processes=2)


@pytest.mark.parametrize("behaviour", ["user_failure_after_peer_failed", "user_failure_hangs_on_leaving"])
def test_a_mistake_of_the_user_explains_an_earlier_lost_peer(tmp_path, behaviour):
    with pytest.raises(UserError) as caught:
        jobs.launch(behaviour, tmp_path, processes=2)
    assert str(caught.value) == "label 'x' is unknown"


def test_half_a_failure_file_is_no_mistake_of_the_user(tmp_path):
    with pytest.raises(TrainingFailedError, match=r"^teacher chief ended with exit code 1"):
        jobs.launch("half_a_failure_file", tmp_path)


def test_a_process_deaf_to_sigterm_is_killed(tmp_path):
    with pytest.raises(TrainingFailedError, match=r"^teacher worker 0 ended with exit code 3"):
        jobs.launch("deaf_to_sigterm", tmp_path, processes=2)


def test_the_last_30_lines_are_in_the_message(tmp_path):
    with pytest.raises(TrainingFailedError) as caught:
        jobs.launch("verbose", tmp_path)
    head, *lines = str(caught.value).splitlines()
    assert head == "teacher chief ended with exit code 4. Its last lines:"
    assert [int(line.split()[1]) for line in lines] == list(range(19_970, 20_000))


def test_success_without_a_record_is_a_failure(tmp_path):
    (tmp_path / "rank-0.json").write_text(to_json(RankRecord("chief", 0, 1, 1, 1.0)))
    with pytest.raises(TrainingFailedError, match=r"teacher chief .* left no readable record"):
        jobs.launch("without_record", tmp_path)


def test_a_command_that_does_not_exist_leaves_nothing(tmp_path):
    launcher = LocalLauncher([str(tmp_path / "nothing")])
    with pytest.raises(FileNotFoundError):
        launcher.launch(jobs.job(tmp_path, 2), Cluster(workers=1))


@pytest.mark.parametrize(("folder", "rule"), [("relative", "absolute"), ("ram://job", "only this process")])
def test_paths_that_a_process_or_the_launcher_cannot_read_are_refused(folder, rule):
    with pytest.raises(ValueError, match=rule):
        LocalLauncher([sys.executable]).launch(jobs.job(folder, 1), Cluster())


@pytest.fixture
def parent(tmp_path):
    """A launching process whose two children wait for ever, and those children."""
    command = [sys.executable, "-m", "tests.launchers.parent", "wait", str(tmp_path)]
    with subprocess.Popen(
        command,
        cwd=jobs.WORKER.parents[2],
        env=os.environ | {"LIMBECK_TEST_MARK": str(tmp_path), "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        waiting = {process.stderr.readline() for _ in range(2)}
        assert waiting == {"[teacher chief] waiting\n", "[teacher worker 0] waiting\n"}
        children = [each for each in _marked(tmp_path) if each.pid != process.pid]
        assert len(children) == 2
        yield process, children
        process.kill()


def test_processes_die_with_a_killed_launcher(parent, tmp_path):
    process, children = parent
    process.kill()
    process.wait()
    ended.wait(children)
    assert _marked(tmp_path) == []


def test_the_folder_of_a_killed_launcher_is_swept(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process, children = parent
    [folder] = tmp_path.glob("limbeck-*")
    assert temporary.sweep() == []
    process.kill()
    process.wait()
    ended.wait(children)
    assert folder.exists()
    assert temporary.sweep() == [folder]
    assert not folder.exists()


def test_an_interrupted_launcher_ends_and_reaps_its_processes(parent):
    process, children = parent
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "interrupted with 0 children\n"
    assert not any(child.is_running() for child in children)


def _marked(folder):
    """The living processes started, however indirectly, with the mark of this test."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("LIMBECK_TEST_MARK") == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("log", ["/dev/full", "a pipe that nobody reads"])
def test_a_log_that_cannot_be_written_ends_no_training(tmp_path, log):
    """A full disk under the log: the processes write 20,000 lines, far more than a pipe holds, and must not break."""
    script = (
        "import sys; from pathlib import Path; from tests.launchers import jobs;"
        "jobs.launch('verbose_to_the_end', Path(sys.argv[1]))"
    )
    if log == "/dev/full":
        writing = os.open(log, os.O_WRONLY)
    else:
        reading, writing = os.pipe()
        os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)], cwd=jobs.WORKER.parents[2], stderr=writing, check=False
        )
    finally:
        os.close(writing)
    assert done.returncode == 0
    assert (tmp_path / "rank-0.json").exists()
