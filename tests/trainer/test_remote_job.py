"""All folders of a training process are URIs, and it writes nothing into the working directory."""

import json
import uuid

import numpy as np
import pytest

from limbeck import files
from limbeck.launchers.failure import Failure, read_failure
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.trainer import training, worker
from limbeck.trainer.process import heartbeat
from tests.trainer.world import POSITIONS, STEPS, weights

pytestmark = pytest.mark.long


@pytest.fixture(params=["ram", "s3"])
def root(request, tmp_path, monkeypatch):
    here = tmp_path / "working-directory"
    here.mkdir()
    monkeypatch.chdir(here)
    yield f"ram://{uuid.uuid4().hex}" if request.param == "ram" else f"s3://{request.getfixturevalue('bucket')}"
    assert list(here.iterdir()) == []


def remote(world, root, folder, **changes):
    files.copy_folder(world.folders["teacher"], f"{root}/packed")
    files.copy_folder(world.graph, f"{root}/graph")
    uris = {
        "examples_uri": f"{root}/packed",
        "transform_graph_uri": f"{root}/graph",
        "model_uri": f"{root}/model",
        "record_uri": f"{root}/record",
        "checkpoint_uri": f"{root}/checkpoints",
    }
    return world.job(folder, **(uris | changes))


def test_a_job_of_uris_trains_the_same_model(world, root, tmp_path):
    job, local = remote(world, root, tmp_path / "unused"), world.job(tmp_path / "local")
    files.write_text(f"{root}/model/left-by-a-killed-export", "x")
    training.run(job)
    training.run(local)
    for one, other in zip(weights(job), weights(local), strict=True):
        np.testing.assert_array_equal(one, other)
    record = from_json(RankRecord, files.read_text(f"{root}/record/rank-0.json"))
    assert (record.steps, record.examples) == (STEPS, POSITIONS)
    assert json.loads(files.read_text(f"{root}/record/history.json"))["members"]
    assert files.names(f"{root}/record/tensorboard/0")
    assert not files.exists(f"{root}/model/left-by-a-killed-export")
    assert files.walk(f"{root}/checkpoints")
    assert files.folder_bytes(job.model_uri) > 1000
    assert list((tmp_path / "unused").iterdir()) == []


def test_a_worker_reads_its_job_and_writes_its_failure_at_uris(world, root, tmp_path, monkeypatch):
    job = remote(world, root, tmp_path / "unused", hyperparameters={"outputs": 4})
    files.write_text(f"{root}/job.json", to_json(job))
    monkeypatch.setenv("LIMBECK_FAILURE", f"{root}/failure.json")
    assert read_failure(f"{root}/failure.json") is None
    assert worker.main([f"{root}/job.json"]) == worker.USER_MISTAKE
    failure = read_failure(f"{root}/failure.json")
    assert isinstance(failure, Failure) and failure.kind == "user" and "must end in logits" in failure.message


def test_signs_of_life_at_a_uri(root, monkeypatch):
    uri = f"{root}/beat"
    monkeypatch.setenv(heartbeat.ENVIRONMENT, uri)
    assert heartbeat.read(uri) is None
    # `start` does this once a second, in a thread that would outlive this test.
    sign = heartbeat._sign_of(uri)
    sign.announce(0.0)
    seen, announced = heartbeat.read(uri)
    assert announced == 0.0
    with heartbeat.silence(20.0):
        later, announced = heartbeat.read(uri)
        assert (later != seen, announced) == (True, 20.0)
        size = files.size(uri)
    assert heartbeat.read(uri)[1] == 0.0
    # A file that shrinks cannot be read for some seconds by TensorFlow's client of Cloud Storage.
    assert files.size(uri) == size
    before = heartbeat.read(uri)
    sign.beat()
    assert heartbeat.read(uri)[0] != before[0]
