"""Models on four logical devices: where everything is, and that a checkpoint knows neither stages nor replicas."""

import itertools
import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.processes, pytest.mark.long]


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


def places(found):
    """The number of the stage of each variable, by name."""
    return {name: number for number, names in enumerate(found["stages"]) for name in names}


def test_the_variables_of_a_stage_and_their_slots_are_on_its_device(found):
    assert [len(found[name]["stages"]) for name in ("one replica", "two replicas")] == [4, 2]
    for one in (found["one replica"], found["two replicas"]):
        assert one["variables"] == {name: device(number) for name, number in places(one).items()}
        assert one["slots"] == {name: [device(number)] * 2 for name, number in places(one).items()}


def test_the_second_replica_has_copies_on_its_own_devices(found):
    assert found["one replica"]["copies"] == []
    (copies,) = found["two replicas"]["copies"]
    assert copies == {name: device(2 + number) for name, number in places(found["two replicas"]).items()}


def test_the_operations_of_a_stage_are_on_its_device(found):
    """The multiplications of each layer: forward, again, and backward, for all micro-batches of each replica."""
    for one, replicas in ((found["one replica"], [""]), (found["two replicas"], ["replica0/", "replica1/"])):
        for (variable, number), replica in itertools.product(places(one).items(), enumerate(replicas)):
            layer = variable.partition("/")[0]
            where = [
                at
                for name, kind, at, _ in one["operations"]
                if kind == "MatMul" and f"/{layer}/" in name and f"{replica[1]}stage" in name
            ]
            assert len(where) >= 4 // len(replicas) * 3, layer
            assert {at.rpartition(":")[2] for at in where} == {str(replica[0] * 2 + number)}, layer


@pytest.mark.parametrize("replicas", ["one replica", "two replicas"])
def test_no_gradient_leaves_its_stage(found, replicas):
    """Summed, measured, clipped and applied where it is made: else the first device would hold those of all stages."""
    kinds = {"Mul", "AddV2", "Identity", "IdentityN", "L2Loss", "ResourceApplyAdam"}
    assert [
        name for name, kind, at, rank in found[replicas]["operations"] if kind in kinds and rank and not at
    ] == []


@pytest.mark.parametrize("replicas", ["one replica", "two replicas"])
def test_a_checkpoint_goes_on_with_one_stage_and_one_replica(found, replicas):
    again, plain = found[replicas]["close"]
    assert again <= 1e-6
    assert plain <= 1e-6


def test_replicas_of_stages_are_those_of_tensorflows_own_strategy(found):
    """Each replica drops its own units."""
    assert found["as mirrored"] <= 1e-6


def test_what_is_swapped_is_on_the_first_cpu_while_it_waits(found):
    """In the graph that runs: TensorFlow drops copies that undo each other."""
    swapped = found["swapped"]
    assert swapped["multiplications"] == [device(1)]
    # The first block takes the model's input alone, which is there anyway.
    assert swapped["copies"] == [device(0)] * (swapped["blocks"] - 1)
    assert swapped["difference"] == 0
    of_stages = [at for _, kind, at, _ in found["two replicas"]["operations"] if kind == "Snapshot"]
    assert of_stages and {at.rpartition(":")[2] for at in of_stages} == {"0"}
