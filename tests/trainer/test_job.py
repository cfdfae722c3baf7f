import pytest

from limbeck.errors import ConfigError
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob

SECTION = "distillation section exactly when its targets are 'soft_targets'"


def make(**changes):
    fields = {
        "entry": "teacher",
        "task": TaskRef(module="limbeck.tasks.digits", search_path="/ä b"),
        "examples_uri": "/examples",
        "transform_graph_uri": "/graph",
        "model_uri": "/model",
        "record_uri": "/record",
        "targets": "labels",
        "strategy": StrategyConfig(workers=3),
        "training": TrainingConfig(learning_rate=0.1, seed=7),
    }
    return TrainingJob(**(fields | changes))


@pytest.mark.parametrize("job", [
    make(),
    make(members=5, hyperparameters={"width": 16, "rate": 0.5, "flag": True, "text": "1"}),
    make(entry="student", targets="soft_targets", distillation=DistillationConfig(temperature=1 / 3, alpha=0.1)),
    make(entry="student", targets="labels"),
    make(entry="student", targets="labels", members=3, separate=True),
    make(entry="student", targets="pseudo_labels"),
])  # fmt: skip
def test_json_round_trip(job):
    assert from_json(TrainingJob, to_json(job)) == job


def test_a_record_survives_json():
    record = RankRecord(role="worker", rank=1, steps=10, examples=2**40, seconds=0.1 + 0.2)
    assert from_json(RankRecord, to_json(record)) == record


@pytest.mark.parametrize(("changes", "message"), [
    ({"entry": "student", "targets": "soft_targets"}, SECTION),
    ({"entry": "student", "targets": "pseudo_labels", "distillation": DistillationConfig()}, SECTION),
    ({"distillation": DistillationConfig()}, SECTION),
    ({"targets": "pseudo_labels"}, "a teacher learns from labels, received targets 'pseudo_labels'"),
    (
        {"targets": "soft_targets", "distillation": DistillationConfig()},
        "a teacher learns from labels, received targets 'soft_targets'",
    ),
    ({"members": 2, "separate": True}, "only a job of a student has members that are separate"),
    ({"members": 0}, "at least one member, received 0"),
])  # fmt: skip
def test_a_job_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        make(**changes)


def test_an_unknown_entry_is_refused():
    with pytest.raises(ConfigError, match=r"'entry': .*'teacher' or 'student'; received 'teecher'"):
        from_json(TrainingJob, to_json(make()).replace('"teacher"', '"teecher"'))


def test_unknown_targets_are_refused_and_so_is_none():
    with pytest.raises(
        ConfigError, match=r"'targets': .*'soft_targets' or 'pseudo_labels'; received 'soft_labels'"
    ):
        from_json(TrainingJob, to_json(make()).replace('"targets": "labels"', '"targets": "soft_labels"'))
    with pytest.raises(ConfigError, match="'targets'"):
        from_json(TrainingJob, to_json(make()).replace('"targets": "labels", ', ""))
