"""A reader gets the last checkpoint that was saved, or the one before it."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from limbeck import files
from limbeck.errors import ConfigError, TrainingFailedError
from limbeck.trainer.fitting.early_stopping import Streak
from limbeck.trainer.fitting.progress import TrainingProgress
from limbeck.trainer.recovery.checkpoint import folder_of, latest, save
from limbeck.trainer.recovery.checkpoint_files import State
from tests.trainer.recovery import saving
from tests.trainer.recovery.saving import equal, state

PROJECT = Path(__file__).parents[3]


@pytest.fixture(params=["local", "ram", "s3"])
def folder(request, tmp_path) -> Iterator[str]:
    if request.param == "local":
        yield str(tmp_path / "a b" / "ä[1]")
        return
    if request.param == "s3":
        yield f"s3://{request.getfixturevalue('bucket')}/a b/ä[1]"
        return
    uri = f"ram://{tmp_path.name}/checkpoints"
    yield uri
    files.remove_folder(uri)


def names(folder) -> list[str]:
    """Returns the names of all files in the folder, except the folder of the curve."""
    return [name for name in files.names(folder) if name != "curve"]


def read(folder) -> State:
    found = latest(str(folder))
    assert found is not None
    return found


def test_without_a_save_there_is_no_checkpoint(folder):
    assert latest(folder) is None


def test_the_state_that_is_read_is_the_state_that_was_saved(folder):
    import ml_dtypes

    arrays = {
        "weights/0000": np.random.default_rng(0).standard_normal([3, 5]).astype(np.float32),
        "weights/0001": np.array([np.inf, -0.0, 1e-45], np.float32),
        "weights/0002": np.array([1.5, -2], ml_dtypes.bfloat16),
        "weights/0003": np.float16([[]]),
        "weights/0004": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "optimizer/0000": np.array(2**40),
        "stopping/best": np.array(True),
    }
    curve = (TrainingProgress(20, 60, 1 / 3), TrainingProgress(40, 60, 0.1 + 0.2))
    streak = Streak(0.1 + 0.2, 2)
    save(folder, State(3, 40, arrays, curve, examples=2**40, seconds=0.1, streak=streak), keep=3)

    found = read(folder)

    assert (found.member, found.step, found.curve, found.examples, found.seconds) == (3, 40, curve, 2**40, 0.1)
    assert found.streak == streak
    assert found.arrays.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(found.arrays[name], array)
    assert np.signbit(found.arrays["weights/0001"][1])


def test_the_newest_are_kept_with_their_arrays_and_nothing_else(folder):
    for step in (5, 10, 15, 100_000_000):
        save(folder, state(step), keep=2)
    assert equal(read(folder), state(100_000_000))
    kept = names(folder)
    assert [name.partition(".")[0] for name in kept] == ["step-00000015"] * 2 + ["step-100000000"] * 2
    assert sorted(name.rpartition(".")[2] for name in kept) == ["json"] * 2 + ["npz"] * 2
    for step in (100_000_000, 15):
        assert read(folder).step == step
        files.remove(f"{folder}/step-{step:08d}.json")


def test_if_a_step_is_saved_twice_the_second_save_counts(folder):
    save(folder, state(5), keep=3)
    once = names(folder)
    save(folder, state(5), keep=3)
    assert names(folder) == once
    save(folder, state(5, salt=1), keep=3)
    assert equal(read(folder), state(5, salt=1))
    assert len(names(folder)) == 2


def arrays_of(folder, step):
    (path,) = folder.glob(f"step-{step:08d}.*.npz")
    return path


def truncated(folder):
    path = arrays_of(folder, 10)
    os.truncate(path, path.stat().st_size // 2)


def empty(folder):
    os.truncate(arrays_of(folder, 10), 0)


def flipped(folder):
    content = bytearray(arrays_of(folder, 10).read_bytes())
    content[len(content) // 2] ^= 1
    arrays_of(folder, 10).write_bytes(content)


def without_arrays(folder):
    arrays_of(folder, 10).unlink()


def without_a_whole_manifest(folder):
    os.truncate(folder / "step-00000010.json", 100)


def without_a_manifest_in_the_manifest(folder):
    (folder / "step-00000010.json").write_text("[]")


def from_the_future(folder):
    manifest = folder / "step-00000010.json"
    manifest.write_text(manifest.read_text().replace('"schema_version": 4', '"schema_version": 5'))


def with_other_shapes(folder):
    manifest = folder / "step-00000010.json"
    manifest.write_text(manifest.read_text().replace('"shape": [300, 1000]', '"shape": [1000, 300]'))


def under_another_name(folder):
    (folder / "step-00000005.json").rename(folder / "step-00000010.json")
    shutil.copy(folder / "step-00000010.json", folder / "step-00000005.json")


@pytest.mark.parametrize(("damage", "reason"), [
    (truncated, r"arrays should be \d+ bytes with SHA-256 \w+, but are \d+ bytes"),
    (empty, "but are 0 bytes"),
    (flipped, "arrays should be"),
    (without_arrays, "its arrays are missing"),
    (without_a_whole_manifest, "its manifest is damaged"),
    (without_a_manifest_in_the_manifest, "its manifest is damaged"),
    (from_the_future, "it has schema version 5, and this program reads 4"),
    (with_other_shapes, r"weights/0000 should be of shape \(1000, 300\), but is \(300, 1000\)"),
    (under_another_name, "its manifest is of step 5"),
])  # fmt: skip
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path, caplog, damage, reason):
    for step in (5, 10):
        save(str(tmp_path), state(step), keep=2)
    assert read(tmp_path).step == 10
    damage(tmp_path)

    with caplog.at_level(logging.WARNING):
        assert equal(read(tmp_path), state(5))

    (record,) = caplog.records
    assert "the checkpoint of step 10" in record.getMessage()
    assert re.search(reason, record.getMessage())

    # Training resumes from step 5. The damaged checkpoint must not stay there as "newer".
    save(str(tmp_path), state(7), keep=1)
    assert equal(read(tmp_path), state(7))
    assert len(names(tmp_path)) == 2


def test_if_all_are_damaged_there_is_no_checkpoint(tmp_path):
    save(str(tmp_path), state(10), keep=2)
    flipped(tmp_path)
    assert latest(str(tmp_path)) is None


def test_a_checkpoint_that_cannot_be_read_for_another_reason_is_not_passed_over(tmp_path):
    save(str(tmp_path), state(5), keep=2)
    (tmp_path / "step-00000010.json").mkdir()
    with pytest.raises(IsADirectoryError):
        latest(str(tmp_path))


def test_a_state_with_nan_never_becomes_the_latest(tmp_path):
    save(str(tmp_path), state(5), keep=1)
    broken = state(10)
    broken.arrays["optimizer/0001"][3] = np.nan
    with pytest.raises(TrainingFailedError, match=r"after step 10, optimizer/0001 contains values that are not"):
        save(str(tmp_path), broken, keep=1)
    assert equal(read(tmp_path), state(5))


def test_texts_are_never_pickled(tmp_path):
    texts = State(0, 1, {"weights/0000": np.array(["a", 1], object)})
    with pytest.raises(ValueError, match="weights/0000 holds Python objects, and a checkpoint is never pickled"):
        save(str(tmp_path), texts, keep=1)
    assert latest(str(tmp_path)) is None


def test_keeping_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="received keep=0"):
        save(str(tmp_path), state(5), keep=0)


def test_members_have_folders_of_their_own():
    assert folder_of("gs://bucket/abc/", 2) == folder_of("gs://bucket/abc", 2) == "gs://bucket/abc/member-2"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Returns a file system of four megabytes. A state of `saving` takes 1.2 megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small filesystem, and not in every container")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_the_checkpoints_as_they_were(small_disk):
    save(str(small_disk), state(5), keep=3)
    save(str(small_disk), state(10), keep=3)
    before = names(small_disk)
    (small_disk / "somebody else's").write_bytes(bytes(1_000_000))

    with pytest.raises(
        TrainingFailedError, match=r"step 15 cannot be written .*No space left on device.*unharmed"
    ):
        save(str(small_disk), state(15), keep=3)

    (small_disk / "somebody else's").unlink()
    assert names(small_disk) == before
    assert equal(read(small_disk), state(10))
    save(str(small_disk), state(15), keep=2)
    assert equal(read(small_disk), state(15))


@pytest.mark.processes
def test_a_file_that_is_too_large_leaves_the_checkpoints_as_they_were(tmp_path):
    save(str(tmp_path), state(5), keep=3)
    before = names(tmp_path)

    failed = run("limited", tmp_path)

    assert failed.returncode == 1
    assert "TrainingFailedError: the checkpoint of step 10 cannot be written" in failed.stderr
    assert "File too large" in failed.stderr
    assert names(tmp_path) == before


@pytest.mark.processes
def test_a_save_killed_at_any_moment_leaves_a_complete_checkpoint(tmp_path):
    done = run("killed", tmp_path)
    assert done.returncode == 0, done.stderr
    kills = saving.reports(done.stdout)
    assert {kill.signal for kill in kills} == {signal.SIGKILL}
    # Until the second save counts, the first is found. After that the second is found, and never anything else.
    found = [kill.step for kill in kills]
    assert set(found) == {5, 10}
    assert found == sorted(found)
    # It was killed before each operation of a save, and several times while it wrote the arrays.
    assert {kill.place for kill in kills} == {name for names in saving.TOUCHING.values() for name in names}
    assert sum(kill.unfinished for kill in kills if kill.place == "write") > 5
    # No file yet; half of the arrays; all arrays; half of the manifest; both checkpoints; the arrays of an old
    # checkpoint.
    assert {(kill.step, kill.files, kill.unfinished) for kill in kills} == {
        (5, 2, 0), (5, 3, 1), (5, 3, 0), (5, 4, 1), (10, 4, 0), (10, 3, 0)
    }  # fmt: skip


def run(what, folder):
    return subprocess.run(
        [sys.executable, "-m", "tests.trainer.recovery.saving", what, str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
