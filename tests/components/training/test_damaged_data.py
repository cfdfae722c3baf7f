"""A changed byte in packed data: they are packed again, and no restart is spent on reading them again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from limbeck import events
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_trainer.executor import Executor
from limbeck.components.training import running
from limbeck.errors import DamagedDataError
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig
from tests.components import rehearsal
from tests.components.world import PROPERTIES, World

pytestmark = [pytest.mark.processes, pytest.mark.long]
TRAINING = TrainingConfig(epochs=2, batch_size=8, seed=1)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The events so far."""
    path = tmp_path / "events.jsonl"
    path.touch()
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    return lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def damaging(times: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A byte in the middle of the records is flipped after each of the first so many packings. Returns all folders."""
    packed: list[str] = []
    real = running.pack

    def pack(some: Any, folder: Path, *arguments: Any, **named: Any) -> int:
        count = real(some, folder, *arguments, **named)
        packed.append(str(folder))
        if len(packed) <= times:
            content = bytearray((folder / "records.bin").read_bytes())
            content[len(content) // 2] ^= 1
            (folder / "records.bin").write_bytes(content)
        return count

    monkeypatch.setattr(running, "pack", pack)
    return packed


def train(world: World, folder: Path) -> list[Any]:
    """Runs TeacherTrainer. Returns the weights."""
    outputs = {
        "model": rehearsal.artifact(standard_artifacts.Model, folder / "model"),
        "model_run": rehearsal.artifact(standard_artifacts.ModelRun, folder / "run"),
    }
    inputs = {"examples": world.transformed_examples, "transform_graph": world.transform_graph}
    properties = PROPERTIES | Section(TrainingConfig).encode(TRAINING)
    properties |= Section(StrategyConfig).encode(StrategyConfig(name="one_device"))
    properties |= Section(PipeliningConfig).encode(PipeliningConfig())
    properties |= Section(TeachersConfig).encode(TeachersConfig(count=1))
    rehearsal.run(Executor, inputs, outputs, properties, folder / "scratch")
    loaded = tf.saved_model.load(str(folder / "model" / "Format-Serving"))
    return [variable.numpy() for member in loaded.weights for variable in member]


def test_damaged_data_are_packed_again(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Callable[[], list[dict[str, Any]]]
):
    whole = train(world, tmp_path / "whole")
    packed = damaging(1, monkeypatch)

    mended = train(world, tmp_path / "mended")

    assert len(packed) == 2
    [note] = [event["text"] for event in told() if event["event"] == "note"]
    assert "packed data are damaged, so they are packed again" in note
    assert not [event for event in told() if event["event"] == "restarting"]
    for one, other in zip(whole, mended, strict=True):
        np.testing.assert_array_equal(one, other)


def test_data_that_are_damaged_twice_end_the_run_with_a_sentence(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Callable[[], list[dict[str, Any]]]
):
    packed = damaging(9, monkeypatch)

    with pytest.raises(DamagedDataError, match=r"^1 of the packed examples in .* check the disk and the memory"):
        train(world, tmp_path / "run")

    assert len(packed) == 2
    assert not [event for event in told() if event["event"] == "restarting"]
