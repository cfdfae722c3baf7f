"""A training that is resumed in a new process ends exactly as one that was never stopped."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limbeck.launchers.local.launcher import ports
from limbeck.trainer.distribution import cluster
from limbeck.trainer.recovery.checkpoint import latest
from tests.trainer import packed
from tests.trainer.recovery.resuming import CLASSES, ORDER, SAVED

pytestmark = [pytest.mark.processes, pytest.mark.long]
PROJECT = Path(__file__).parents[3]
STEPS = ORDER.steps


def start(phase, folder, *cases, config=None):
    environment = {**os.environ, **({cluster.ENVIRONMENT: config} if config else {})}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.trainer.recovery.resuming", phase, str(folder), *cases],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process):
    try:
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == 0, err[-3000:]
    return out


def run_workers(phase, folder):
    with ports.held(2) as (one, other):
        addresses = cluster.Addresses(f"localhost:{one}", (f"localhost:{other}",))
        texts = [cluster.to_text(addresses, "chief", 0), cluster.to_text(addresses, "worker", 0)]
        processes = [start(phase, folder, "workers", config=text) for text in texts]
        try:
            return [end(process) for process in processes]
        finally:
            for process in processes:
                process.kill()


def prepared(folder, *cases):
    packed.pack_all(folder / "examples", packed.examples(ORDER.examples, CLASSES))
    for case in cases:
        (folder / case).mkdir()
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Returns the folder with the results of all cases in one process."""
    cases = ("one", "stock", "mirrored", "central")
    folder = prepared(tmp_path_factory.mktemp("resumption"), *cases)
    for phase in ("first", "second"):
        end(start(phase, folder, *cases))
    return folder


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Returns the folder with the results of two processes, and their output at the end of each phase."""
    folder = prepared(tmp_path_factory.mktemp("workers"), "workers")
    said = [run_workers(phase, folder) for phase in ("first", "second")]
    end(start("elsewhere", folder, "workers"))
    return folder, said


def arrays(folder, step):
    state = latest(str(folder))
    assert state is not None and state.step == step
    return state.arrays


def differences(one, other):
    """Returns the largest difference in each array that differs."""
    assert one.keys() == other.keys()
    return {
        name: np.abs(one[name] - other[name]).max() for name in one if not np.array_equal(one[name], other[name])
    }


def assert_exact(folder, by_replica):
    uninterrupted = arrays(folder / "uninterrupted", STEPS)
    assert differences(uninterrupted, arrays(folder / "beside", STEPS)) == {}
    assert differences(uninterrupted, arrays(folder / "resumed", STEPS)) == {}
    assert {name for name in uninterrupted if name.startswith("weights_by_replica/")} == by_replica
    # Steps and random numbers were left after the checkpoint.
    saved = arrays(folder / "saved", SAVED)
    assert differences(saved, uninterrupted)["weights/0000"] > 1e-3
    assert [one["weights/0006"][1] for one in (saved, uninterrupted)] == [SAVED, STEPS]
    assert saved["optimizer/0000"] == SAVED


LOCAL = {f"weights_by_replica/{number:04d}" for number in (4, 5, 6)}


@pytest.mark.parametrize(("case", "by_replica"), [("one", set()), ("mirrored", LOCAL), ("central", set())])
def test_a_resumed_training_ends_as_one_that_never_stopped(trained, case, by_replica):
    assert_exact(trained / case, by_replica)


def test_two_resumed_processes_end_as_if_they_had_never_stopped(workers):
    folder, _ = workers
    assert_exact(folder / "workers", LOCAL)


def test_stock_dropout_does_not(trained):
    """This layer alone makes the training inexact."""
    folder = trained / "stock"
    uninterrupted = arrays(folder / "uninterrupted", STEPS)
    assert differences(uninterrupted, arrays(folder / "beside", STEPS)) == {}
    assert differences(uninterrupted, arrays(folder / "resumed", STEPS))["weights/0000"] > 1e-3


@pytest.mark.parametrize("what", ["mirrored", "workers"])
def test_other_strategies_resume_what_two_replicas_saved(request, what):
    folder = request.getfixturevalue("trained") if what == "mirrored" else request.getfixturevalue("workers")[0]
    saved = arrays(folder / what / "saved", SAVED)
    logical = {name for name in saved if not name.startswith("weights_by_replica/")}
    for place, replicas in (("one", 1), ("four", 4), ("central", 1)):
        restored = arrays(folder / what / f"on-{place}", SAVED)
        assert all(np.array_equal(restored[name], saved[name]) for name in logical)
        assert logical.issubset(restored)
        for name in LOCAL if replicas > 1 else ():
            value = saved[name.replace("weights_by_replica", "weights")]
            np.testing.assert_array_equal(restored[name], np.stack([value] * replicas))
        final = arrays(folder / what / f"on-{place}" / "end", STEPS)
        assert np.abs(saved["weights/0000"] - final["weights/0000"]).max() > 1e-3
        assert all(np.isfinite(final[name]).all() for name in logical)
        assert (final["optimizer/0000"], final["weights/0006"][1]) == (STEPS, STEPS)


def test_the_statistics_of_two_replicas_differ_and_the_saved_value_is_their_mean(trained):
    saved = arrays(trained / "mirrored" / "saved", SAVED)
    one, other = saved["weights_by_replica/0004"]
    assert np.abs(one - other).max() > 1e-3
    np.testing.assert_allclose(saved["weights/0004"], (one + other) / 2, rtol=1e-6, atol=1e-9)


def test_replicas_have_independent_dropout_masks(trained):
    masks = np.load(trained / "mirrored" / "masks.npy").reshape(4, 100)
    assert set(np.unique(masks)) == {0.0, 2.0}
    for number, mask in enumerate(masks):
        for other in masks[number + 1 :]:
            # Of independent masks half of the entries are equal.
            assert 30 < (mask == other).sum() < 70


def test_processes_that_found_different_checkpoints_say_so(workers):
    _, said = workers
    expected = "found different checkpoints: member 0 at step 0 and member 0 at step 100"
    assert all(expected in text for phase in said for text in phase)
