"""The curve beside the checkpoints is read as a whole, and each of its points is written once."""

import contextlib
import dataclasses
import errno
import functools
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from limbeck.files.local import LocalFileSystem
from limbeck.trainer.fitting.hooks import Hooks
from limbeck.trainer.fitting.loop import fit
from limbeck.trainer.fitting.progress import Curve, TrainingProgress
from limbeck.trainer.fitting.step import StepResult
from limbeck.trainer.recovery import storage_faults
from limbeck.trainer.recovery.checkpoint import Writer, latest, save
from limbeck.trainer.recovery.checkpoint_files import State
from tests.trainer.recovery.saving import state


def points(count):
    return [TrainingProgress(step, 10_000, 1 / step) for step in range(1, count + 1)]


def at(step):
    return dataclasses.replace(state(step), arrays={"weights/0000": np.zeros(2)}, curve=Curve(points(step)))


def links(folder):
    return sorted((folder / "curve").iterdir())


def test_a_curve_in_parts_is_read_as_a_whole(tmp_path):
    writer = Writer(str(tmp_path), keep=2)
    for step in (3, 4, 9):
        writer.save(at(step))
    assert len(links(tmp_path)) == 3
    found = latest(str(tmp_path))
    assert found is not None and found.curve == tuple(points(9))


def test_a_resumed_process_trusts_no_part_of_an_earlier_one(tmp_path):
    Writer(str(tmp_path), keep=2).save(at(3))
    for link in links(tmp_path):
        link.write_text("damaged")
    writer = Writer(str(tmp_path), keep=1)
    writer.save(at(5))
    writer.save(at(6))
    found = latest(str(tmp_path))
    assert found is not None and found.curve == tuple(points(6))


def test_what_a_killed_save_left_of_a_part_goes(tmp_path):
    Writer(str(tmp_path), keep=2).save(at(3))
    (tmp_path / "curve" / ".unfinished-17-4-step-00000004.json").write_text("half")
    Writer(str(tmp_path), keep=2).save(at(5))
    assert [link.name.partition(".")[0] for link in links(tmp_path)] == ["step-00000003", "step-00000005"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda link: link.write_bytes(b"\xff" + link.read_bytes()[1:])])
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_curve_costs_its_points_and_no_checkpoint(tmp_path, caplog, damage, which):
    """The checkpoint was passed over, and with it all later ones of the chain: a chart cost days of training."""
    save(str(tmp_path), at(3), keep=5)
    writer = Writer(str(tmp_path), keep=5)
    writer.save(at(5))
    writer.save(at(8))
    damage(links(tmp_path)[1:][which])
    found = latest(str(tmp_path))
    assert found is not None and found.step == 8
    assert found.curve == (() if which else tuple(points(8))[5:])
    assert "the checkpoint of step 8 in" in caplog.text and "of its curve is" in caplog.text


@pytest.mark.parametrize("passes", [False, True])
def test_a_part_that_cannot_be_read_is_tried_again_while_that_may_pass(tmp_path, monkeypatch, passes):
    writer = Writer(str(tmp_path), keep=5)
    writer.save(at(5))
    writer.save(at(8))
    first, real, faults = str(links(tmp_path)[0]), LocalFileSystem.open_to_read, []

    def opened(system, path):
        if path == first and not (passes and len(faults) == 2):
            faults.append(path)
            raise OSError(errno.EBUSY if passes else errno.EACCES, "away", path)
        return real(system, path)

    monkeypatch.setattr(LocalFileSystem, "open_to_read", opened)
    monkeypatch.setattr(
        storage_faults, "patiently", functools.partial(storage_faults.patiently, pauses=(0.0, 0.0))
    )
    found = latest(str(tmp_path))
    assert found is not None and found.step == 8
    assert found.curve == tuple(points(8))[0 if passes else 5 :]
    assert len(faults) == (2 if passes else 1)


class Counting:
    """A step that costs nothing."""

    def run(self, _batch):
        one = tf.constant(1.0)
        return StepResult(one, one, one, tf.constant(True), tf.constant(1, tf.int64))


class Endless:
    """An input pipeline of empty batches."""

    def start(self):
        return None

    def take(self, _iterator):
        return tf.constant(0)


def work(folder, calls, monkeypatch):
    """Returns the bytes written and the points read by a training of some calls, with a save at every tenth."""
    counted = {"bytes": 0, "points": 0}
    read, write = LocalFileSystem.open_to_read, LocalFileSystem.open_to_write

    def counted_read(self, path):
        counted["bytes"] += self.size(path)
        return read(self, path)

    @contextlib.contextmanager
    def counted_write(self, path):
        with write(self, path) as file:
            yield file
            counted["bytes"] += file.tell()

    plus, item = Curve.plus, Curve.__getitem__

    def counted_plus(self, point):
        longer = plus(self, point)
        # One for the new point, or all points if the list was copied.
        counted["points"] += 1 if longer._shared is self._shared else len(longer)
        return longer

    def counted_item(self, index):
        found = item(self, index)
        counted["points"] += len(found) if isinstance(found, list) else 1
        return found

    with monkeypatch.context() as patches:
        patches.setattr(LocalFileSystem, "open_to_read", counted_read)
        patches.setattr(LocalFileSystem, "open_to_write", counted_write)
        patches.setattr(Curve, "plus", counted_plus)
        patches.setattr(Curve, "__getitem__", counted_item)
        writer = Writer(str(folder), keep=2)

        def keep(done):
            writer.save(State(0, done.steps, {"weights/0000": np.zeros(2)}, done.curve))

        fit(Counting(), Endless(), steps=calls, hooks=Hooks(save=keep, save_every=10), steps_per_call=1)
    return counted


def test_ten_times_the_calls_are_ten_times_the_work(tmp_path, monkeypatch):
    """It was a hundred times as much: each save wrote the whole curve and parsed that of every checkpoint it kept."""
    few = work(tmp_path / "few", 100, monkeypatch)
    many = work(tmp_path / "many", 1000, monkeypatch)
    assert few["bytes"] > 0 and few["points"] >= 2 * 100
    for kind in ("bytes", "points"):
        assert many[kind] < 12 * few[kind], kind
    found = latest(str(tmp_path / "many"))
    assert found is not None and len(found.curve) == 1000
