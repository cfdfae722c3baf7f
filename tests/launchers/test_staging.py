"""A job whose processes do not see the files of the launching process: staged, run, and fetched."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from limbeck import events, files
from limbeck.errors import ConfigError, UserError
from limbeck.files import Visibility
from limbeck.launchers import staging
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError
from limbeck.launchers.launch import launch
from limbeck.rank_record import RankRecord
from limbeck.settings.launcher import LAUNCHERS, LauncherConfig
from limbeck.settings.recovery import RecoveryConfig
from tests.launchers import jobs

pytestmark = pytest.mark.long

RECORDS = (RankRecord("chief", 0, 7, 70, 0.5),)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory, in which nothing may be left, and a folder for temporary files."""
    for name in ("working-directory", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "working-directory")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield
    assert list((tmp_path / "working-directory").iterdir()) == []


@pytest.fixture
def memory():
    return f"ram://{uuid.uuid4().hex}"


def in_memory(memory, **changes):
    """A job with all its folders in the memory of this process, and inputs in them."""
    for name in ("examples", "graph"):
        files.write_text(f"{memory}/{name}/deep/file", name)
    uris = {
        "examples_uri": f"{memory}/examples",
        "transform_graph_uri": f"{memory}/graph",
        "model_uri": f"{memory}/model",
        "record_uri": f"{memory}/record",
    }
    return dataclasses.replace(jobs.job("/unused", 1), **(uris | changes))


class Recording:
    """A launcher in this process: `act` stands for its processes."""

    def __init__(self, act, supervises=False):
        self.act, self.supervises, self.attempts = act, supervises, 0

    def stage(self, job):
        return staging.staged(job, Visibility.MACHINE, lambda name: tempfile.mkdtemp(prefix=f"{name}-"))

    def launch(self, job, cluster, recovery):
        self.attempts += 1
        return self.act(job)


@pytest.fixture
def launched(monkeypatch):
    """Has `launch` use a launcher that is made from an act."""

    def made(act, supervises=False):
        launcher = Recording(act, supervises)
        monkeypatch.setattr("limbeck.launchers.local.launcher.from_settings", lambda _: launcher)
        return launcher

    return made


def test_inputs_are_copied_and_outputs_fetched_and_nothing_stays(memory, launched, tmp_path):
    def act(job):
        assert (Path(job.examples_uri) / "deep" / "file").read_text() == "examples"
        assert (Path(job.transform_graph_uri) / "deep" / "file").read_text() == "graph"
        (Path(job.model_uri) / "variables").mkdir()
        (Path(job.model_uri) / "variables" / "data").write_text("weights")
        (Path(job.record_uri) / "history.json").write_text("{}")
        return RECORDS

    launched(act)
    files.write_text(f"{memory}/model/of-a-killed-try", "old")
    done = launch(in_memory(memory), Cluster())
    assert (done.result, done.restarts) == (RECORDS, 0)
    assert files.walk(f"{memory}/model") == ["variables/data"]
    assert files.read_text(f"{memory}/record/history.json") == "{}"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_all_can_see_is_not_copied(tmp_path):
    job = jobs.job(tmp_path, 1)
    assert staging.staged(job, Visibility.MACHINE, pytest.fail) == job


@pytest.mark.parametrize("error", [UserError("u"), KeyboardInterrupt()])
def test_nothing_stays_of_a_job_that_failed(memory, launched, tmp_path, error):
    def act(job):
        raise error

    launched(act)
    with pytest.raises(type(error)):
        launch(in_memory(memory), Cluster())
    assert list((tmp_path / "temporary").iterdir()) == []
    assert files.walk(f"{memory}/model") == []


def test_a_missing_input_is_told_and_what_was_copied_so_far_is_removed(memory, launched, tmp_path):
    launcher = launched(lambda job: RECORDS)
    with pytest.raises(FileNotFoundError, match=f"none in {memory}/nothing"):
        launch(in_memory(memory, transform_graph_uri=f"{memory}/nothing"), Cluster())
    assert launcher.attempts == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_checkpoints_that_the_processes_cannot_see_are_refused(memory, launched):
    launcher = launched(lambda job: RECORDS)
    with pytest.raises(ConfigError, match=f"checkpoints must lie where .* received {memory}/checkpoints"):
        launch(in_memory(memory, checkpoint_uri=f"{memory}/checkpoints"), Cluster())
    assert launcher.attempts == 0


def test_an_unknown_scheme_is_refused_before_anything_starts(memory, launched):
    launcher = launched(lambda job: RECORDS)
    with pytest.raises(ConfigError, match="no file system for 'gcs://'"):
        launch(in_memory(memory, model_uri="gcs://bucket/model"), Cluster())
    assert launcher.attempts == 0


SCRIPT = """
import os, signal, sys, tempfile
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from tests.launchers.test_staging import Recording, in_memory
import limbeck.launchers.local.launcher

def act(job):
    print(sorted(name.split("-")[0] for name in os.listdir(tempfile.gettempdir())), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()

limbeck.launchers.local.launcher.from_settings = lambda _: Recording(act)
launch(in_memory("ram://job"), Cluster())
"""


def test_nothing_stays_where_the_launching_process_is_asked_to_end(tmp_path):
    scratch = tmp_path / "temporary"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=jobs.WORKER.parents[2],
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.stdout == "['examples_uri', 'model_uri', 'record_uri', 'transform_graph_uri']\n"
    assert done.returncode == -signal.SIGTERM
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(("supervises", "attempts"), [(True, 1), (False, 3)])
def test_a_launcher_that_supervises_is_given_one_attempt(launched, tmp_path, monkeypatch, supervises, attempts):
    def act(job):
        raise AttemptFailedError("the pod is gone", ["last line"])

    launcher = launched(act, supervises)
    log = tmp_path / "events.jsonl"
    log.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(log))
    with pytest.raises(Exception, match="the pod is gone") as caught:
        launch(jobs.job(tmp_path, 1), Cluster(), recovery=RecoveryConfig(restarts=2, backoff_seconds=0.0))
    assert launcher.attempts == attempts
    assert len(log.read_text().splitlines()) == attempts - 1
    assert ("after 2 restarts" in str(caught.value)) != supervises


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    from tests.trainer import world

    return world.build(tmp_path_factory.mktemp("world"), world.rows(), world.random_logits())


def weights_of_a_training_in_this_process(world, folder):
    from limbeck.trainer import training
    from tests.trainer.world import weights

    job = world.job(folder)
    training.run(job)
    return weights(job)


@pytest.mark.processes
def test_a_toy_launcher_trains_where_nothing_of_the_component_is_seen(world, tmp_path, monkeypatch):
    """A new launcher is a module, and a line in the registry."""
    import numpy as np

    from tests.trainer.world import POSITIONS, STEPS, weights

    monkeypatch.setitem(LAUNCHERS, "toy", "tests.launchers.toy:from_settings")
    component = tmp_path / "component"
    shutil.copytree(world.folders["teacher"], component / "packed")
    shutil.copytree(world.graph, component / "graph")
    uris = {"examples_uri": str(component / "packed"), "transform_graph_uri": str(component / "graph")}
    job = world.job(tmp_path / "job", **uris)
    [only] = launch(job, Cluster(), LauncherConfig("toy")).result
    assert (only.steps, only.examples) == (STEPS, POSITIONS)
    assert json.loads((Path(job.record_uri) / "history.json").read_text())["members"]
    for one, other in zip(
        weights(job), weights_of_a_training_in_this_process(world, tmp_path / "alone"), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    site = next((tmp_path / "temporary").glob("site-*"))
    assert sorted(path.name for path in site.iterdir()) == ["beat", "job.json"]
    with pytest.raises(UserError, match=r"ends in \(None, 4\): let its last layer have 3 units$"):
        launch(dataclasses.replace(job, hyperparameters={"outputs": 4}), Cluster(), LauncherConfig("toy"))


@pytest.mark.processes
def test_the_local_launcher_trains_from_the_memory_of_this_process_and_back(world, memory, tmp_path):
    import numpy as np

    from tests.trainer.world import STEPS, weights

    files.copy_folder(world.folders["teacher"], f"{memory}/packed")
    files.copy_folder(world.graph, f"{memory}/graph")
    job = world.job(
        tmp_path / "job",
        examples_uri=f"{memory}/packed",
        transform_graph_uri=f"{memory}/graph",
        model_uri=f"{memory}/model",
        record_uri=f"{memory}/record",
    )
    [only] = launch(job, Cluster()).result
    assert only.steps == STEPS
    assert {"history.json", "rank-0.json", "tensorboard"} <= set(files.names(f"{memory}/record"))
    for one, other in zip(
        weights(job), weights_of_a_training_in_this_process(world, tmp_path / "alone"), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert list((tmp_path / "temporary").glob("limbeck-*")) == []
