"""The verb `submit`, as a user calls it, with kfp's own client against a server on the loopback interface."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from limbeck.cli.main import main
from limbeck.kubeflow.submit import patience
from tests.kubeflow.submit import compiled
from tests.kubeflow.submit.kfp_server import UNKNOWN, WORKFLOW, KfpServer, refusal
from tests.kubeflow.submit.loopback import Answer, Fault, serving, unused

TASKS = ("DataFingerprint", "ExampleGen", "StatisticsGen")
DONE = dict.fromkeys(TASKS, "SUCCEEDED")
SUCCESS = [
    ("PENDING", {}),
    ("RUNNING", {"DataFingerprint-driver": "SUCCEEDED", "DataFingerprint": "RUNNING"}),
    ("RUNNING", {"DataFingerprint": "SUCCEEDED", "ExampleGen": "RUNNING"}),
    ("SUCCEEDED", DONE),
]
FAILED = ("FAILED", {"DataFingerprint": "SUCCEEDED", "ExampleGen-driver": "SUCCEEDED", "ExampleGen": "FAILED"})


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would be slept, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr(patience, "pause_for", slept.append)
    return slept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return compiled.write(tmp_path, "kubeflow")


@pytest.fixture
def server() -> Iterator[KfpServer]:
    made = KfpServer(list(SUCCESS))
    with serving(made) as url:
        made.url = url
        yield made


def submit(file: Path, server: KfpServer, *further: str) -> int:
    return main(["submit", str(file), "--host", server.url, "--root", "minio://mlpipeline/here", *further])


def test_a_run_is_created_and_watched_to_its_success(file, server, capsys):
    code = submit(file, server, "--set", "training.epochs=7", "--parameters", '{"gate_strict": false}')

    out = capsys.readouterr().out
    assert code == 0
    (run,) = server.runs
    assert run["runtime_config"] == {
        "pipeline_root": "minio://mlpipeline/here",
        "parameters": {"training_epochs": 7, "gate_strict": False},
    }
    assert run["display_name"].startswith("limbeck-small 2")
    assert server.experiments[0]["display_name"] == "Default"
    assert f"{server.url}/#/runs/details/run-0" in out
    assert " 1/3 DataFingerprint          succeeded" in out
    assert " 3/3 StatisticsGen            succeeded" in out
    assert out.rstrip().endswith("run: succeeded")


def test_each_state_of_a_task_is_told_once(file, server, capsys):
    server.looks[:] = [SUCCESS[1]] * 3 + [SUCCESS[3]]
    submit(file, server)
    assert capsys.readouterr().out.count("DataFingerprint          running") == 1


def test_a_failed_task_is_named_with_its_own_words(file, server, capsys):
    server.looks[:] = [FAILED]
    # FNV-1a of "limbeck-small-x7k2p.root.ExampleGen.executor", by another implementation than the product's.
    pod = f"{WORKFLOW}-system-container-impl-{fnv(f'{WORKFLOW}.root.ExampleGen.executor')}"
    server.logs[pod] = (
        "I1128 22:10:01.112 27 main.go:58] Launching\n"
        "2026-11-28 22:10:02: W tensorflow/core: no GPU\n"
        "error: task module 'my_task' cannot be imported: No module named 'my_task'\n"
        "F1128 22:10:03.001 27 main.go:49] failed to execute component: exit status 2\n"
    )

    code = submit(file, server)

    error = capsys.readouterr().err
    assert code == 1
    assert "ExampleGen failed: task module 'my_task' cannot be imported: No module named 'my_task'" in error
    assert "The image does not hold the task" in error
    assert "StatisticsGen" not in error
    assert "exit status" not in error


def test_of_several_attempts_the_last_one_speaks(tmp_path, server, capsys):
    file = compiled.write(tmp_path, "kubeflow", retries=2)
    state, tasks = FAILED
    server.looks[:] = [(state, {**tasks, "executor(0)": "FAILED", "executor(1)": "FAILED"})]
    for attempt in range(2):
        node = f"{WORKFLOW}.root.ExampleGen.executor({attempt})"
        server.logs[f"{WORKFLOW}-retry-system-container-impl-{fnv(node)}"] = f"ValueError: attempt {attempt}\n"

    assert submit(file, server) == 1
    assert "ExampleGen failed: ValueError: attempt 1" in capsys.readouterr().err


def test_a_driver_that_fails_is_the_failure_of_its_task(file, server, capsys):
    server.looks[:] = [("FAILED", {"DataFingerprint": "SUCCEEDED", "ExampleGen-driver": "FAILED"})]
    pod = f"{WORKFLOW}-system-container-driver-{fnv(f'{WORKFLOW}.root.ExampleGen-driver')}"
    server.logs[pod] = "F1128 22:10:03.001 1 main.go:79] KFP driver: failed to resolve inputs\n"

    assert submit(file, server) == 1
    assert "ExampleGen failed: F1128" in capsys.readouterr().err


def test_a_task_whose_log_is_gone_is_named_all_the_same(file, server, capsys):
    server.looks[:] = [FAILED]
    assert submit(file, server) == 1
    assert f"ExampleGen failed: it does not say why; its log may: {server.url}" in capsys.readouterr().err


def test_a_cancelled_run_ends_the_waiting(file, server, capsys):
    """kfp's own waiting knows no such state, and would never end."""
    server.looks[:] = [("RUNNING", {}), ("CANCELED", {})]
    assert submit(file, server) == 1
    assert "the run was cancelled" in capsys.readouterr().err


def test_no_wait_asks_no_further(file, server):
    assert submit(file, server, "--no-wait") == 0
    assert not server.made("GET", "/runs/run-0")


def test_no_cache_switches_the_cache_of_all_tasks_off(file, server):
    submit(file, server, "--no-wait", "--no-cache", "--service-account", "runner")
    (run,) = server.runs
    tasks = run["pipeline_spec"]["root"]["dag"]["tasks"]
    # kfp writes False as nothing.
    assert [task.get("cachingOptions") for task in tasks.values()] == [{}, {}, {}]
    assert run["service_account"] == "runner"


def test_what_is_never_cached_stays_so_without_the_option(file, server):
    submit(file, server, "--no-wait")
    (run,) = server.runs
    tasks = run["pipeline_spec"]["root"]["dag"]["tasks"]
    assert tasks["DataFingerprint"].get("cachingOptions", {}) == {}
    assert tasks["ExampleGen"]["cachingOptions"] == {"enableCache": True}


def test_the_platforms_part_of_the_file_goes_along(file, server):
    """kfp takes the first document for the pipeline, whatever it is; KFP's server looks at what it holds."""
    executor = {"nodeSelector": {"labels": {"disk": "ssd"}}}
    deployment = {"deploymentSpec": {"executors": {"ExampleGen_executor": executor}}}
    platform = {"platforms": {"kubernetes": deployment}}
    file.write_text(f"{yaml.safe_dump(platform)}---\n{file.read_text()}")
    assert submit(file, server, "--no-wait") == 0
    (run,) = server.runs
    assert run["pipeline_spec"]["platform_spec"] == platform


def test_a_small_number_in_json_stays_a_number(tmp_path, server):
    """YAML 1.1 reads 1e-05 as a text, and so does kfp."""
    made = compiled.spec("kubeflow")
    made["root"]["inputDefinitions"]["parameters"]["distillation_alpha"]["defaultValue"] = 1e-05
    file = tmp_path / "p.json"
    file.write_text(json.dumps(made))
    assert "1e-05" in file.read_text()
    assert submit(file, server, "--no-wait") == 0
    declared = server.runs[0]["pipeline_spec"]["root"]["inputDefinitions"]["parameters"]
    assert declared["distillation_alpha"]["defaultValue"] == 1e-05


def test_a_task_that_waits_for_long_is_told_once(file, server, capsys):
    pending = (
        "RUNNING",
        {"DataFingerprint-driver": "SUCCEEDED", "DataFingerprint": "RUNNING", "executor": "PENDING"},
    )
    server.looks[:] = [pending] * 75 + [SUCCESS[3]]
    assert submit(file, server) == 0
    assert capsys.readouterr().out.count("a task has been waiting for 5 minutes") == 1


def test_an_image_that_names_no_registry_is_warned_of(tmp_path, server, capsys):
    file = compiled.write(tmp_path, "kubeflow", image="limbeck:0.1.0")
    assert submit(file, server, "--no-wait") == 0
    assert "warning: the image limbeck:0.1.0 names no registry" in capsys.readouterr().out


def test_a_second_submit_is_a_second_run_and_no_second_experiment(file, server):
    submit(file, server, "--no-wait", "--run-name", "mine", "--experiment", "ours")
    submit(file, server, "--no-wait", "--run-name", "mine", "--experiment", "ours")
    assert [run["display_name"] for run in server.runs] == ["mine", "mine"]
    assert [one["display_name"] for one in server.experiments] == ["ours"]


def test_a_schedule_is_a_recurring_run_with_seconds(file, server, capsys):
    """Of five fields, KFP would read the first as seconds."""
    assert submit(file, server, "--schedule", "30 6 * * mon") == 0
    (recurring,) = server.recurring
    assert recurring["trigger"] == {"cron_schedule": {"cron": "0 30 6 * * 1"}}
    assert recurring["mode"] == "ENABLE"
    assert recurring["no_catchup"] is True
    assert recurring["runtime_config"]["pipeline_root"] == "minio://mlpipeline/here"
    assert not server.runs
    assert f"{server.url}/#/recurringrun/details/recurring-0" in capsys.readouterr().out

    assert submit(file, server, "--schedule", "30 6 * * mon") == 2
    assert "there is a recurring run 'limbeck-small'" in capsys.readouterr().err
    assert len(server.recurring) == 1


class TestFaults:
    @pytest.mark.parametrize("status", [429, 503])
    def test_a_server_that_is_busy_is_asked_again_later(self, file, server, no_waiting, status):
        busy = Answer({"message": "busy"}, status, headers={"Retry-After": "7"})
        server.faults = [Fault("POST", "/runs$", busy), Fault("POST", "/runs$", Answer({}, status))]
        assert submit(file, server, "--no-wait") == 0
        assert len(server.runs) == 1
        assert no_waiting == [7.0, 2.0]

    def test_a_server_that_stays_busy_is_its_own_fault(self, file, server, capsys):
        server.faults = [Fault("POST", "/runs$", Answer({"message": "busy"}, 503)) for _ in range(9)]
        assert submit(file, server, "--no-wait") == 1
        assert "error: Kubeflow Pipelines answers 503 busy; it stayed so for 6 attempts" in capsys.readouterr().err

    def test_a_lost_answer_to_the_creation_makes_no_second_run(self, file, server):
        server.faults = [Fault("POST", "/runs$", Answer(cut=True), served=True)]
        assert submit(file, server, "--run-name", "mine") == 0
        assert len(server.made("POST", "/runs$")) == 1
        assert [run["run_id"] for run in server.runs] == ["run-0"]

    def test_a_lost_creation_is_told(self, file, server, capsys):
        server.faults = [Fault("POST", "/runs$", Answer(cut=True))]
        assert submit(file, server) == 1
        assert "No run was created: submit again" in capsys.readouterr().err

    def test_waiting_survives_lost_connections_and_restarts(self, file, server, capsys):
        gone = [Fault("GET", "/runs/run-0", Answer(cut=True)) for _ in range(6)]
        server.faults = [*gone, Fault("GET", "/runs/run-0", Answer("<html>bad gateway</html>", 502, "text/html"))]
        assert submit(file, server) == 0
        out = capsys.readouterr().out
        assert out.count("asking again") == 1
        assert "there is an answer again" in out

    def test_a_connection_that_hangs_counts_as_lost(self, file, server, capsys, monkeypatch):
        """A laptop that slept has connections that nobody closed; kfp would wait at one for ever."""
        from limbeck.kubeflow.submit import kfp_client

        monkeypatch.setattr(kfp_client, "_LIMITS", (5, 0.2))
        released = threading.Event()
        server.faults = [Fault("GET", "/runs/run-0", Answer(hang=released))]
        try:
            assert submit(file, server) == 0
        finally:
            released.set()
        assert "there is an answer again" in capsys.readouterr().out

    def test_silence_for_half_an_hour_ends_the_waiting(self, file, server, capsys):
        server.faults = [Fault("GET", "/runs/run-0", Answer({}, 503)) for _ in range(200)]
        assert submit(file, server) == 1
        assert "The run may go on" in capsys.readouterr().err

    def test_an_expired_token_is_read_again(self, file, server, tmp_path, capsys):
        token = tmp_path / "token"
        token.write_text("fresh\n")
        server.token = "fresh"
        # Something else renews the file; the run's second look comes with an old token.
        server.faults = [Fault("GET", "/runs/run-0", Answer(refusal(16, "token expired"), 401))]
        assert submit(file, server, "--token-file", str(token)) == 2
        error = capsys.readouterr().err
        assert "does not take the token (401)" in error
        assert "The run goes on" in error
        assert "fresh" not in error

    def test_a_token_that_was_renewed_meanwhile_is_sent_at_once(self, file, server, tmp_path, monkeypatch):
        token = tmp_path / "token"
        token.write_text("old")
        server.token = "old"
        route = server._route

        def renewing(asked):
            if asked.path.endswith("/run-0") and server.token == "old":
                server.token = "new"
                token.write_text("new")
            return route(asked)

        monkeypatch.setattr(server, "_serve", renewing)
        assert submit(file, server, "--token-file", str(token)) == 0
        assert [one.headers["authorization"] for one in server.made("GET", "/run-0")][:2] == [
            "Bearer old",
            "Bearer new",
        ]


class TestInterrupt:
    @pytest.fixture
    def interrupted(self, server, monkeypatch):
        """Ctrl-C while the watch sleeps."""
        server.looks[:] = [SUCCESS[1]]
        monkeypatch.setattr(patience, "pause_for", lambda seconds: signal.raise_signal(signal.SIGINT))

    def test_it_ends_the_waiting_only(self, file, server, interrupted, capsys):
        assert submit(file, server) == 130
        assert "the run goes on. To end it, press Terminate on" in capsys.readouterr().out
        assert not server.terminated

    def test_it_cancels_where_that_is_asked_for(self, file, server, interrupted, capsys):
        assert submit(file, server, "--cancel-on-interrupt") == 130
        assert server.terminated == ["run-0"]
        assert "cancelled the run" in capsys.readouterr().out


class TestMistakes:
    def told(self, capsys) -> str:
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert "Traceback" not in error
        return error

    def test_a_host_at_which_nothing_listens(self, file, capsys):
        assert main(["submit", str(file), "--host", unused()]) == 2
        assert "cannot be reached" in self.told(capsys)

    def test_a_name_that_is_no_host(self, file, capsys):
        assert main(["submit", str(file), "--host", "http://no-such-host.invalid"]) == 2
        assert "http://no-such-host.invalid cannot be reached" in self.told(capsys)

    def test_a_page_instead_of_the_api(self, file, server, capsys):
        page = Answer("<!doctype html><html>Sign in</html>", kind="text/html; charset=utf-8")
        server.faults = [Fault("GET", "healthz", page)]
        assert submit(file, server) == 2
        assert "answers with a web page, not as the API" in self.told(capsys)
        assert not server.runs

    def test_an_api_without_that_path(self, file, server, capsys):
        server.faults = [Fault("GET", "healthz", Answer("<html>nothing here</html>", 404, "text/html"))]
        assert submit(file, server) == 2
        assert "answers with a web page, not as the API" in self.told(capsys)

    def test_a_namespace_that_is_unknown(self, file, server, capsys):
        server.multi_user = True
        assert submit(file, server, "--namespace", UNKNOWN) == 2
        told = self.told(capsys)
        assert f"in namespace '{UNKNOWN}'" in told
        assert "check --namespace" in told

    def test_a_namespace_of_which_only_the_cluster_knows_that_it_is_not_there(self, file, server, capsys):
        """An administrator may use any namespace, so that KFP fails first when Kubernetes does."""
        failed = refusal(13, "Internal Server Error", 'InternalServerError: namespaces "typo" not found')
        server.multi_user = True
        server.faults = [Fault("POST", "/runs$", Answer(failed, 500))]
        assert submit(file, server, "--namespace", "typo") == 2
        assert "there is no 'typo'" in self.told(capsys)

    def test_no_namespace_where_one_is_needed(self, file, server, capsys):
        server.multi_user = True
        assert submit(file, server) == 2
        assert "give --namespace" in self.told(capsys)

    def test_no_credential(self, file, server, capsys):
        server.token = "secret"
        assert submit(file, server) == 2
        assert "asks for a credential (401): give a token with --token-file" in self.told(capsys)

    def test_a_failure_of_the_server_is_not_the_users(self, file, server, capsys):
        server.faults = [Fault("POST", "/runs$", Answer(refusal(13, "the database is gone"), 500))]
        assert submit(file, server) == 1
        assert "Kubeflow Pipelines failed (500): the database is gone" in self.told(capsys)

    @pytest.mark.parametrize(
        ("further", "told"),
        [
            (["--set", "training.epochs=1.5"], "parameter training_epochs is a whole number, received 1.5"),
            (["--set", "training.epochs=many"], "parameter training_epochs is NUMBER_INTEGER, received 'many'"),
            (["--set", "training.epoch=1"], "Did you mean 'training_epochs'?"),
            (["--set", "training.epochs"], "--set takes NAME=VALUE"),
            (["--parameters", '{"gate_strict": "yes"}'], "gate_strict is BOOLEAN, received 'yes'"),
            (["--parameters", "[1]"], "--parameters takes an object"),
            (["--parameters", "{"], "--parameters takes JSON"),
            (["--schedule", "0 6 * * * *"], "takes the five fields of cron"),
            (["--root", "/mnt/artifacts"], "--root takes the pipeline root of the run"),
            (["--root", "gs://"], "--root takes the pipeline root of the run"),
            (["--project", "some-project"], "the file is for Kubeflow"),
            (["--token-file", "/no/such/token"], "--token-file takes a file"),
        ],
    )
    def test_an_option_is_refused_before_the_network(self, file, server, capsys, further, told):
        assert submit(file, server, *further) == 2
        assert told in self.told(capsys)
        assert not server.requests

    def test_a_host_that_is_missing(self, file, capsys, monkeypatch):
        assert main(["submit", str(file)]) == 2
        assert "needs --host" in self.told(capsys)


def fnv(text: str) -> int:
    number = 2166136261
    for letter in text.encode("ascii"):
        number = (number ^ letter) * 16777619 % 2**32
    return number
