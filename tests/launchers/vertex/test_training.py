"""Two machines of a custom job really train, on `gs://`; one dies; the next job goes on, to the bit.

Vertex AI and Cloud Storage are servers of this machine. What asks them is real: Google's client of Vertex AI,
TensorFlow's of Cloud Storage, the launcher, the supervisor, `in_replica` and the training process.
"""

import contextlib
import dataclasses
import signal
import threading

import numpy as np
import pytest

from limbeck import files
from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.vertex.storage import server
from limbeck.launchers import staging
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.launchers.local import forks, ports
from limbeck.launchers.supervisor import supervise
from limbeck.launchers.vertex.launcher import VertexLauncher
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.vertex import VertexConfig
from tests.launchers.vertex.service import PARENT, api_of, serving

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.usefixtures("no_child_is_left")]
SETTINGS = VertexConfig("lab", "us-central1", "image", "gs://lab/staging", poll_seconds=0.05)


@pytest.fixture
def storage(tmp_path, monkeypatch):
    """`gs://` of this process, and of those that it starts."""
    with server.serving(Buckets(tmp_path / "buckets"), tmp_path / "server") as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "server/shown/storage.pem"))
        yield tmp_path / "buckets/gcs/lab"


def test_a_machine_dies_and_training_goes_on_to_the_bit(storage, tmp_path):
    from tests.trainer import world
    from tests.trainer.world import TRAINING, weights

    given = world.build(tmp_path, world.rows(), world.random_logits())
    # Long enough that the second checkpoint is not the last.
    training = dataclasses.replace(TRAINING, epochs=5)
    changes = {"strategy": StrategyConfig(workers=2), "checkpoint": CheckpointConfig(2, 99), "training": training}
    local = given.job(tmp_path / "local", **changes)
    expected = launch(local, Cluster(1)).result

    job = given.job(tmp_path / "remote", **changes, checkpoint_uri="gs://lab/checkpoints")
    with ports.held(8) as numbers, serving(None, iter(numbers)) as service:

        def kill():
            with service.changed:
                assert service.changed.wait_for(
                    lambda: any(storage.glob("checkpoints/member-0/step-*.json")), timeout=120
                )
            service.jobs[f"{PARENT}/customJobs/1"].processes[1, 0].send_signal(signal.SIGKILL)

        launcher = VertexLauncher(SETTINGS, api_of(service))
        staged = launcher.stage(job)
        with _beside(kill):
            done = supervise(lambda: launcher.launch(staged, Cluster(1), RecoveryConfig()), RecoveryConfig())
        staging.fetch(staged, job)
        staging.discard(staged, job)

    assert (done.restarts, len(service.bodies), service.jobs) == (1, 2, {})
    assert [record.steps for record in done.result] == [record.steps for record in expected]
    for one, other in zip(weights(job), weights(local), strict=True):
        np.testing.assert_array_equal(one, other)
    # Of what was staged nothing is left.
    assert files.walk("gs://lab/staging") == []
    # The local training had one of its own.
    forks.stop()


@contextlib.contextmanager
def _beside(call):
    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        thread.join()
