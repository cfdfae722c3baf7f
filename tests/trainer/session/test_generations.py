"""Students in a row: each is the student that its predecessor's stored answers would have made."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from limbeck import events
from limbeck.errors import ConfigError
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.distillation import generation_record
from limbeck.trainer.distillation.needs import assert_generations
from limbeck.trainer.recovery import checkpoint
from limbeck.trainer.search import record
from limbeck.trainer.session.generations import seed_of
from tests.trainer.world import STEPS, TRAINING, pack, values_of, weights, with_logits

pytestmark = pytest.mark.long

TWO = DistillationConfig(temperature=2.0, alpha=0.8, generations=2)


@pytest.fixture(scope="module")
def kept(world, tmp_path_factory):
    """Returns a finished job of two generations with checkpoints and a validation split."""
    folder = tmp_path_factory.mktemp("generations")
    job = world.job(
        folder / "job",
        "student",
        distillation=TWO,
        validation_uri=pack(folder / "validation", world.examples),
        checkpoint=CheckpointConfig(steps=5, keep=9),
        checkpoint_uri=str(folder / "checkpoints"),
    )
    training.run(job)
    return job


def test_a_generation_is_what_stored_answers_of_the_one_before_would_have_made(world, tmp_path, kept):
    alone = dataclasses.replace(TWO, generations=1)
    first = world.job(tmp_path / "first", "student", distillation=alone)
    training.run(first)
    answers = with_logits(world.transformed, world.logits(first))
    second = world.job(
        tmp_path / "second",
        "student",
        distillation=alone,
        examples_uri=pack(tmp_path / "packed", answers),
        training=dataclasses.replace(TRAINING, seed=seed_of(TRAINING.seed, 2)),
    )
    training.run(second)
    for one, other in zip(weights(kept), weights(second), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert max(np.abs(a - b).max() for a, b in zip(weights(kept), weights(first), strict=True)) > 0.1


def test_each_generation_has_its_figures(world, kept):
    first, second = generation_record.read(kept.record_uri)
    assert [one.number for one in (first, second)] == [1, 2]
    assert first.steps == second.steps == STEPS
    labels = np.array([values_of(one, "student_label")[0] for one in world.examples])
    logits = world.logits(kept)[labels != -1, 0].astype(np.float64)
    labels = labels[labels != -1]
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]
    assert second.value == pytest.approx((logits.argmax(axis=1) == labels).mean())
    assert second.loss == pytest.approx(losses.mean(), rel=1e-5)
    assert first.loss != second.loss


def test_a_resumed_row_of_students_ends_with_the_same_to_the_bit(world, tmp_path, kept, monkeypatch):
    told = tmp_path / "events"
    monkeypatch.setenv(events.ENVIRONMENT, str(told))
    later = f"{kept.checkpoint_uri}/generation-2"
    for step in (10, 15, STEPS):
        (Path(checkpoint.folder_of(later, 0)) / f"step-{step:08d}.json").unlink()
    names = ("model_uri", "record_uri")
    (tmp_path / "resumed").mkdir()
    places = {name: str(tmp_path / "resumed" / name) for name in names}
    resumed = dataclasses.replace(kept, **places)
    training.run(resumed)
    for one, other in zip(weights(kept), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    seen = [one for one in map(events.parse, told.read_text().splitlines()) if one is not None]
    # The first generation is read, and the second goes on.
    assert [one["step"] for one in seen if one["event"] == "resumed"] == [STEPS, 5]
    assert any("of 2 generations on the validation split: " in one.get("text", "") for one in seen)


def test_a_search_trains_the_first_generation(world, tmp_path):
    searched = DistillationConfig(alpha=0.9, generations=3)
    search = SearchConfig(budget=2, temperatures=(1.0, 4.0))
    validation = pack(tmp_path / "validation", world.examples)
    job = world.job(tmp_path / "job", "student", distillation=searched, search=search, validation_uri=validation)
    training.run(job)
    found = record.read(job.record_uri)
    [taken] = [one for one in found.trials if one.chosen]
    told = generation_record.read(job.record_uri)
    assert len(told) == 3
    assert (told[0].value, told[0].loss) == (taken.value, taken.loss)
    assert taken.steps == told[1].steps == STEPS


def test_labels_alone_need_no_predecessor(world, tmp_path):
    labels = world.job(tmp_path / "job", "student", distillation=dataclasses.replace(TWO, alpha=0.0))
    training.run(labels)
    assert generation_record.read(labels.record_uri) == ()


def test_seeds_differ_and_the_first_is_the_one_that_was_given():
    assert seed_of(5, 1) == 5
    assert len({seed_of(seed, generation) for seed in range(50) for generation in range(2, 12)}) == 500
    assert all(0 <= seed_of(2**32 - 1, generation) < 2**31 for generation in range(2, 12))


def test_what_no_predecessor_can_teach_is_refused():
    with pytest.raises(ConfigError, match="hint_weight compares layers of the teacher that the task names"):
        assert_generations(dataclasses.replace(TWO, hint_weight=1.0))
    with pytest.raises(ConfigError, match="alpha=0 learns from labels alone: set another alpha"):
        assert_generations(dataclasses.replace(TWO, alpha=0.0))
    assert_generations(TWO)
    with pytest.raises(ConfigError, match="a student that teaches the next one cannot be called there"):
        Config(strategy=StrategyConfig("parameter_server"), distillation=TWO)
