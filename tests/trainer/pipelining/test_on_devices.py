"""A model on four logical devices: where everything is, and that a checkpoint does not know of stages."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def found():
    done = subprocess.run(
        [sys.executable, "-m", "tests.trainer.pipelining.on_devices"],
        env=os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def device(number):
    return f"/job:localhost/replica:0/task:0/device:CPU:{number}"


def test_the_variables_of_a_stage_and_their_slots_are_on_its_device(found):
    assert len(found["stages"]) == 4
    placed = {name: number for number, names in enumerate(found["stages"]) for name in names}
    assert found["variables"] == {name: device(number) for name, number in placed.items()}
    assert found["slots"] == {name: [device(number)] * 2 for name, number in placed.items()}


def test_the_operations_of_a_stage_are_on_its_device(found):
    """The multiplications of each layer: forward, again, and backward, for four micro-batches."""
    placed = {name.partition("/")[0]: number for number, names in enumerate(found["stages"]) for name in names}
    for layer, number in placed.items():
        where = [at for name, kind, at, _ in found["operations"] if kind == "MatMul" and f"/{layer}/" in name]
        assert len(where) >= 4 * 3, layer
        assert {at.rpartition(":")[2] for at in where} == {str(number)}, layer


def test_no_gradient_leaves_its_stage(found):
    """Summed, measured, clipped and applied where it is made: else the first device would hold those of all stages."""
    kinds = {"Mul", "AddV2", "Identity", "IdentityN", "L2Loss", "ResourceApplyAdam"}
    assert [name for name, kind, at, rank in found["operations"] if kind in kinds and rank and not at] == []


def test_a_checkpoint_of_four_stages_goes_on_with_one(found):
    again, plain = found["close"]
    assert again <= 1e-6
    assert plain <= 1e-6
