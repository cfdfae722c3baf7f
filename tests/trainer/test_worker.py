"""The exit code and the failure file of a training process, for every way in which training can end."""

import json
import os
import signal
import subprocess
import sys

import pytest

from limbeck.errors import DataError, PassingFaultError, TrainingFailedError
from limbeck.records import to_json
from limbeck.trainer import training, worker
from limbeck.trainer.process import heartbeat, position, preemption
from limbeck.trainer.process.preemption import PreemptedError
from tests.launchers import jobs


@pytest.fixture
def job_file(tmp_path):
    file = tmp_path / "job.json"
    file.write_text(to_json(jobs.job(tmp_path, 1)))
    return file


@pytest.fixture
def end(job_file, tmp_path, monkeypatch):
    """Runs a worker whose training ends in an error. Returns its exit code, and its failure file."""
    failure = tmp_path / "failure.json"
    monkeypatch.setenv("LIMBECK_FAILURE", str(failure))

    def run(error):
        def ending(_):
            raise error

        monkeypatch.setattr(training, "run", ending)
        return worker.main([str(job_file)]), json.loads(failure.read_text()) if failure.exists() else None

    return run


def test_training_that_broke_down_would_break_down_again(end, capfd):
    assert end(TrainingFailedError("the loss is nan")) == (1, {"kind": "final", "message": "the loss is nan"})
    assert "Traceback" in capfd.readouterr().err


def test_absent_storage_may_be_there_at_the_next_attempt(end, capfd):
    assert end(PassingFaultError("503")) == (1, {"kind": "passing", "message": "503"})
    assert "Traceback" in capfd.readouterr().err


def test_a_mistake_of_the_user_is_reported_as_one(end):
    assert end(DataError("no rows")) == (2, {"kind": "user", "message": "no rows"})


def test_an_exception_is_reported_with_the_step_after_which_it_was_raised(end, tmp_path, monkeypatch):
    monkeypatch.setattr(position, "_position", {})
    position.note(member=1, step=40)
    with pytest.raises(KeyError):
        end(KeyError("seven"))
    left = json.loads((tmp_path / "failure.json").read_text())
    assert left == {"kind": "error", "message": "member 1 after step 40: KeyError: 'seven'"}


def test_an_absent_file_system_may_come_back(end, tmp_path):
    with pytest.raises(OSError, match="503"):
        end(OSError("503"))
    assert not (tmp_path / "failure.json").exists()


def test_a_preempted_training_has_an_exit_code_of_its_own_and_is_no_failure(end):
    assert end(PreemptedError("at step 3")) == (42, None)


@pytest.mark.parametrize("code", [42, 0, 2, None])
def test_an_exit_code_that_the_task_chose_is_not_taken_for_ours(end, code):
    with pytest.raises(RuntimeError, match=rf"sys\.exit\({code}\)"):
        end(SystemExit(code))


def test_sigterm_is_a_request_while_training_runs_and_only_then(job_file, monkeypatch):
    def ending(_):
        assert not preemption.requested()
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.requested()

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(training, "run", ending)
    # A request does not last for ever.
    for _ in range(2):
        assert worker.main([str(job_file)]) == 0
        assert signal.getsignal(signal.SIGTERM) is before
        # The next training in this process was not asked to end.
        assert not preemption.requested()


def test_a_watched_process_gives_signs_of_life_from_the_start(tmp_path):
    """If nobody watches any more, the heartbeat does not keep the process from ending."""
    file = tmp_path / "beat"
    script = (
        "import os, sys, time; from pathlib import Path; from limbeck.trainer.process import heartbeat;"
        "file = Path(os.environ['LIMBECK_HEARTBEAT']); heartbeat.start(); beats = {file.stat().st_mtime_ns};\n"
        "while len(beats) < 3: time.sleep(0.05); beats.add(file.stat().st_mtime_ns)\n"
        "assert max(beats) - min(beats) < 20e9, beats\n"
        "file.unlink()"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {heartbeat.ENVIRONMENT: str(file)},
        check=True,
        timeout=60,
        cwd=jobs.WORKER.parents[2],
    )
    assert not file.exists()
