"""Training here equals Keras' fit for every model, or refuses the model by a message before training."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.horovod_extra import needs_horovod
from tests.trainer.conformance.registry import CASES, REFUSED, SUPPORTED

# Three dozen models, each trained four times.
pytestmark = [pytest.mark.processes, pytest.mark.long]
PROJECT = Path(__file__).parent.parent.parent.parent
MODES = ("one", "mirrored")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Returns the folder that both processes have written; see `process.py`."""
    folder = tmp_path_factory.mktemp("conformance")
    command = [sys.executable, "-m", "tests.trainer.conformance.process"]
    # By default, oneDNN depends on the processor, and what fails on a part without examples depends on oneDNN.
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": "1", "TF_ENABLE_ONEDNN_OPTS": "1"}
    # The processes start first, because they import TensorFlow while the data are made.
    with (folder / "log").open("w") as log:
        processes = [
            subprocess.Popen(
                [*command, mode, folder],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env=environment,
            )
            for mode in MODES
        ]
        try:
            from tests.trainer.conformance import world

            world.build(folder / "world")
            for process in processes:
                process.stdin.write(b"go\n")
                process.stdin.close()
            codes = [process.wait(800) for process in processes]
        finally:
            for process in processes:
                process.kill()
    assert codes == [0, 0], (folder / "log").read_text()[-3000:]
    return folder


def read(results, kind, case):
    """Returns the weights in order, and all values of one case."""
    for ending in ("failed", "refused"):
        file = results / kind / f"{case.name}.{ending}"
        assert not file.exists(), file.read_text()
    with np.load(results / kind / f"{case.name}.npz") as stored:
        values = dict(stored)
    return [values[name] for name in sorted(values) if name.startswith("weights/")], values


def assert_same(case, one, other):
    (weights, values), (expected, wanted) = one, other
    assert len(weights) == len(expected) > 0
    for mine, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=case.tolerance)
    np.testing.assert_allclose(values["losses"], wanted["losses"], rtol=0, atol=case.tolerance)


@pytest.mark.parametrize("case", SUPPORTED, ids=lambda case: case.name)
def test_one_device_trains_as_keras_does(results, case):
    ours, keras = read(results, "one", case), read(results, "keras", case)
    if case.draws:
        assert np.isfinite(ours[1]["losses"]).all()
    else:
        assert_same(case, ours, keras)
    # Each loss is the loss of one batch. Otherwise nobody would notice a missing step.
    assert len(keras[1]["losses"]) == 8


@pytest.mark.parametrize("case", SUPPORTED, ids=lambda case: case.name)
def test_what_is_exported_answers_as_the_model_of_keras(results, case):
    ours, keras = read(results, "one", case)[1], read(results, "keras", case)[1]
    # From raw tensors, and from transformed examples.
    np.testing.assert_allclose(ours["served"], ours["logits"], rtol=0, atol=1e-5)
    if not case.draws:
        np.testing.assert_allclose(ours["logits"], keras["logits"], rtol=0, atol=case.tolerance)
        assert np.ptp(keras["logits"]) > 1e-2


@pytest.mark.parametrize("case", SUPPORTED, ids=lambda case: case.name)
def test_two_replicas_of_unequal_parts_train_as_one_device(results, case):
    if case.refused_on_replicas:
        assert case.refused_on_replicas in (results / "mirrored" / f"{case.name}.refused").read_text()
        return
    ours, keras = read(results, "mirrored", case), read(results, "keras", case)
    if case.replicas:
        assert np.isfinite(ours[1]["losses"]).all()
    else:
        assert_same(case, ours, keras)


@pytest.mark.parametrize(("name", "strategy"), [
    ("activity_penalty-Adam", "multi_worker_mirrored"),
    ("dense-EMA", "multi_worker_mirrored"),
    pytest.param("activity_penalty-Adam", "horovod", marks=needs_horovod),
    pytest.param("embedding-Adam", "horovod", marks=needs_horovod),
])  # fmt: skip
def test_two_workers_of_unequal_parts_train_as_one_device(results, tmp_path, name, strategy):
    from limbeck.launchers.cluster import Cluster
    from limbeck.launchers.launch import launch
    from limbeck.settings.strategy import StrategyConfig
    from tests.trainer.conformance import process

    job = process.job(CASES[name], results / "world", tmp_path / "job", StrategyConfig(strategy, workers=2))
    records = launch(job, Cluster.of(job.strategy)).result
    assert_same(CASES[name], process.left_by(job), read(results, "keras", CASES[name]))
    if strategy == "multi_worker_mirrored":
        # Each of two processes sends the gradients of all weights at every step, as float32.
        gradients = 4 * json.loads((Path(job.record_uri) / "history.json").read_text())["parameters"]
        assert all(gradients * one.steps <= one.traffic.sent for one in records)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_what_is_not_supported_is_refused_with_a_sentence(results, case):
    failed = results / "one" / f"{case.name}.failed"
    assert not failed.exists(), failed.read_text()
    told = (results / "one" / f"{case.name}.refused").read_text()
    assert case.refused in told
    assert "site-packages" not in told
