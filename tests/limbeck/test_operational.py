"""Settings that cannot change a result: which they are, and that they reach whoever needs them."""

import dataclasses

import pytest

from limbeck.engines.kind import Processes
from limbeck.errors import ConfigError
from limbeck.settings import beam, operational
from limbeck.settings.beam import BeamConfig
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.settings.compression import CompressionConfig
from limbeck.settings.config import Config
from limbeck.settings.dataflow import DataflowConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.fields import operational_fields
from limbeck.settings.operational import ENVIRONMENT, Operational
from limbeck.settings.planned_student import PlannedStudent
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.training import TrainingConfig

SECTIONS = {
    field.name: type(getattr(Config(), field.name))
    for field in dataclasses.fields(Config)
    if dataclasses.is_dataclass(getattr(Config(), field.name))
}


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_is_operational_as_a_whole_or_not_at_all_but_for_what_is_carried_alone(section: str):
    cls = SECTIONS[section]
    alone = tuple(field.name for field in dataclasses.fields(Operational) if field.name not in SECTIONS)
    found = tuple(name for name in operational_fields(cls) if name not in alone)
    assert found in ((), tuple(field.name for field in dataclasses.fields(cls)))


def test_every_operational_section_is_carried():
    marked = {name for name, cls in SECTIONS.items() if operational_fields(cls)} - {"training"}
    carried = {field.name for field in dataclasses.fields(Operational)} - {
        "checkpoints", "looks", "steps_per_call", "swap", "planned_student", "planned_teacher", "planned_compression"
    }  # fmt: skip
    assert operational_fields(TrainingConfig) == ("swap", "steps_per_call")

    # Beam's flags have a way of their own.
    assert marked == carried | {"beam"}


def test_they_survive_the_way_through_the_environment():
    config = Config(
        checkpoint=CheckpointConfig(7, 2),
        recovery=RecoveryConfig(5, 0.5, 9.0),
        training=TrainingConfig(recompute="all", swap=True, steps_per_call=3, epochs=4),
        student=StudentConfig({"width": 5}),
        distillation=DistillationConfig(3.0, 0.5),
        compression=CompressionConfig("int8"),
    )
    given = Operational.of(config, "gs://bucket/checkpoints", "gs://bucket/looks")

    assert operational.read(given.environment() | {"OTHER": "1"}) == given
    assert (given.checkpoint, given.recovery) == (config.checkpoint, config.recovery)
    assert (given.steps_per_call, given.swap) == (3, True)
    assert (given.checkpoints, given.looks) == ("gs://bucket/checkpoints", "gs://bucket/looks")
    assert given.planned_student == PlannedStudent({"width": 5}, DistillationConfig(3.0, 0.5), 4)
    assert given.planned_compression == CompressionConfig("int8")
    assert Operational.of(Config(), None).planned_compression is None


def test_without_the_variable_they_are_the_defaults():
    assert operational.read({}) == Operational()
    assert (Operational().checkpoints, Operational().looks) == (None, None)


@pytest.mark.parametrize("text", ["", "nonsense", '{"recovery": {"restarts": -1}}', '{"recover": {}}'])
def test_a_variable_that_holds_something_else_is_refused(text: str):
    with pytest.raises(ConfigError):
        operational.read({ENVIRONMENT: text})


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_beams_flags_are_in_variables_whose_names_say_nothing_of_them(workers: int):
    config = BeamConfig(workers=workers)
    variables = config.variables()

    assert variables.keys() == BeamConfig().variables().keys()
    assert tuple(dict.fromkeys(variables.values())) == config.flags()
    assert f"--direct_num_workers={workers}" in config.flags()


@pytest.mark.parametrize("workers", [1, 3])
def test_beams_flags_are_read_from_their_variables(workers: int):
    config = BeamConfig(workers=workers)
    assert beam.read_flags(config.variables() | {"OTHER": "1"}) == config.flags()
    assert beam.workers_of(config.flags()) == workers
    # Nobody set them, as in a test, or in a pipeline of someone else.
    assert beam.read_flags({}) == BeamConfig().flags()


def test_the_workers_of_other_engines_are_counted():
    processes = Processes("localhost:1", "localhost:2", None, "identity", "job")
    assert beam.workers_of(BeamConfig(engine="portable", workers=4).flags(processes)) == 4
    cloud = DataflowConfig(project="my-project-1", region="us-central1", temp="gs://bucket/temp", image="it:1")
    assert beam.workers_of(BeamConfig(engine="dataflow", workers=5, dataflow=cloud).flags()) == 5
    assert beam.workers_of(()) == 1


def test_more_flags_than_variables_are_our_mistake(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(beam, "VARIABLES", ("A", "B"))
    with pytest.raises(ValueError, match="4 flags, and there are 2 variables"):
        BeamConfig().variables()
