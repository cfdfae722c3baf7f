"""A search is made of trainings of the job, and what it takes is the student that the job would have trained."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from limbeck import events
from limbeck.errors import ConfigError, DivergedError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer import training
from limbeck.trainer.process import preemption
from limbeck.trainer.search import record
from tests.trainer import world as worlds
from tests.trainer.world import STEPS, pack, random_logits, weights

pytestmark = pytest.mark.long

OPEN = DistillationConfig()
# Labels alone and two others, which are tried for one epoch of the three.
SEARCH = SearchConfig(budget=2.8, temperatures=(1.0,), alphas=(0.9, 0.5))
PAIR = SearchConfig(budget=2, temperatures=(2.0,), alphas=(0.9,))


@pytest.fixture(scope="module")
def searched(world, tmp_path_factory):
    """Returns a function from names and changes to a job with a search."""
    folder = tmp_path_factory.mktemp("search")
    validation = pack(folder / "validation", world.examples)

    def make(name, **changes):
        fields = {"distillation": OPEN, "search": SEARCH, "validation_uri": validation}
        return world.job(folder / name, "student", **(fields | changes))

    return make


@pytest.fixture(scope="module")
def found(searched):
    """Returns a finished job with a search, and its record."""
    job = searched("whole")
    training.run(job)
    return job, record.read(job.record_uri)


def same(one, other):
    for mine, theirs in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_record_shows_every_trial_and_what_was_taken(found):
    _, told = found
    assert [(one.length, one.steps) for one in told.trials] == [("short", 6)] * 2 + [("full", STEPS)] * 2
    assert told.planned_steps == 2 * 6 + 2 * STEPS <= 2.8 * STEPS
    assert [one.distillation.alpha for one in told.trials][:3] == [0.9, 0.5, 0.0]
    # The better one of the short trials is trained to its end.
    better = max(told.trials[:2], key=lambda one: (one.value, -one.loss))
    assert told.trials[3].distillation == better.distillation
    [taken] = [one for one in told.trials if one.chosen]
    assert (taken.distillation, taken.length) == (told.chosen, "full")
    assert all(0 <= one.value <= 1 and one.loss > 0 for one in told.trials)
    # A difference is that of the measures.
    alone = next(one for one in told.trials if one.length == "full" and one.distillation.alpha == 0)
    for one in told.trials:
        if one.length == "full":
            assert one.difference == pytest.approx(one.value - alone.value)


def test_what_is_taken_is_the_student_that_its_loss_alone_would_have_made(searched, found):
    job, told = found
    fixed = searched("fixed", distillation=told.chosen, search=None)
    training.run(fixed)
    same(job, fixed)
    kept, trained = (json.loads((Path(one.record_uri) / "history.json").read_text()) for one in (job, fixed))
    assert kept == trained


def test_what_the_first_seed_took_holds_for_the_others(searched):
    job = searched("seeds", search=PAIR, members=2)
    training.run(job)
    fixed = searched("seeds-fixed", distillation=record.read(job.record_uri).chosen, search=None, members=2)
    training.run(fixed)
    same(job, fixed)


def test_labels_alone_are_the_control_to_the_bit(searched, monkeypatch):
    # Nothing beats labels alone, so they are taken.
    monkeypatch.setattr("limbeck.trainer.search.choice.choose", lambda students, reference, others: reference)
    job = searched("alone", search=PAIR)
    training.run(job)
    assert record.read(job.record_uri).chosen.alpha == 0
    control = searched("control", targets="labels", distillation=None, search=None)
    training.run(control)
    same(job, control)


def test_a_search_that_is_killed_in_a_trial_goes_on_to_the_same_student(searched, found, monkeypatch, tmp_path):
    job, told = found
    checkpoints = {"checkpoint": CheckpointConfig(steps=5), "checkpoint_uri": str(tmp_path / "checkpoints")}
    calls = iter(range(1000))
    # The loop asks after each call of the graph. It is asked to end after the first call of the fourth training.
    monkeypatch.setattr(preemption, "requested", lambda: next(calls) == 8)
    cut = searched("cut", **checkpoints)
    with pytest.raises(preemption.PreemptedError):
        training.run(cut)
    monkeypatch.undo()
    assert not (Path(cut.record_uri) / record.FILE).exists()
    resumed = searched("resumed", **checkpoints)
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    training.run(resumed)
    told_again = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["step"] for event in told_again if event["event"] == "resumed"] == [6, 6, STEPS, 5]
    # Nothing but the rest of the fourth is trained.
    assert {event["trial"] for event in told_again if event["event"] == "training"} == {"trial 4/4"}
    same(resumed, job)
    again = record.read(resumed.record_uri)
    for one, other in zip(again.trials, told.trials, strict=True):
        assert dataclasses.replace(one, seconds=0) == dataclasses.replace(other, seconds=0)


def test_trials_that_break_down_leave_labels_alone(searched, world, tmp_path):
    broken = pack(
        tmp_path / "broken", worlds.with_logits(world.transformed, np.full_like(random_logits(), np.nan))
    )
    job = searched("broken", examples_uri=broken)
    training.run(job)
    told = record.read(job.record_uri)
    assert told.chosen.alpha == 0
    # No short trial is left, so none gets a place among those that are trained to the end.
    assert [one.length for one in told.trials] == ["short"] * 2 + ["full"]
    for one in told.trials:
        assert (one.failure is None) == one.chosen
        assert (one.value is None) == (not one.chosen)
    with pytest.raises(DivergedError, match="training broke down at step 1 of 17: the loss is nan"):
        two = SearchConfig(budget=2, temperatures=(1.0, 2.0))
        training.run(searched("soft", examples_uri=broken, distillation=DistillationConfig(alpha=1.0), search=two))


def test_too_few_labels_are_not_searched_with(searched, world, tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    few = searched("few", validation_uri=pack(tmp_path / "few", world.examples[:12]))
    training.run(few)
    assert record.read(few.record_uri) is None
    notes = [event["text"] for event in map(json.loads, path.read_text().splitlines()) if event["event"] == "note"]
    assert len(notes) == 1
    assert "validation examples have a label, and it needs 10" in notes[0]
    assert "temperature 2, alpha 0.9" in notes[0]


def test_the_budget_is_told_before_the_first_trial(searched, tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    monkeypatch.setenv(events.ENVIRONMENT, str(path))
    training.run(searched("told", distillation=DistillationConfig(temperature=3.0), search=SearchConfig(budget=2)))
    told = [json.loads(line) for line in path.read_text().splitlines()]
    assert [event["event"] for event in told] == ["note", "training", "training", "note", "phase"]
    first, last = told[0]["text"], told[3]["text"]
    assert "2 to the end, in 17 steps each; in all at most 34 steps, 2 times those of the student" in first
    assert first.endswith("distillation.temperature=3 is set, so it stays")
    assert [event["trial"] for event in told[1:3]] == ["trial 1/2", "trial 2/2"]
    assert last.startswith("the search took ")


@pytest.mark.parametrize("change", [
    {"targets": "labels", "distillation": None},
    {"validation_uri": None},
])  # fmt: skip
def test_a_search_needs_soft_targets_and_a_validation_split(searched, change):
    with pytest.raises(ConfigError, match="a job with a search trains a student on soft targets"):
        searched(f"refused-{next(iter(change))}", **change)


@pytest.mark.processes
def test_two_workers_take_the_same_student(searched, found):
    job, told = found
    shared = searched("shared", strategy=StrategyConfig(name="multi_worker_mirrored", workers=2))
    launch(shared, Cluster.of(shared.strategy))
    theirs = record.read(shared.record_uri)
    assert theirs.chosen == told.chosen
    assert [one.value for one in theirs.trials] == pytest.approx([one.value for one in told.trials])
    for mine, other in zip(weights(job), weights(shared), strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-4)
