"""`compression.recipe=auto` takes a file that is what its recipe makes by itself, and judges it by what it answers."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from limbeck import events
from limbeck.compression_record import CompressionRecord
from limbeck.errors import ConfigError, DataError, TaskError
from limbeck.records import from_json
from limbeck.reference import TaskRef
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer import compressing, training
from limbeck.trainer.compression import feasibility
from limbeck.trainer.serving.compressed import FILE, RECORD, CompressedModel
from tests.trainer.compression import uncompressible
from tests.trainer.world import pack, values_of

pytestmark = [pytest.mark.processes, pytest.mark.long]
# Of 17 steps of the student, one training has 6: the budget suffices for one, and not for the chain of three.
AUTO = CompressionConfig(
    "auto",
    epochs=1,
    learning_rate=0.01,
    clusters=5,
    representative=30,
    tolerance=0.5,
    budget=0.5,
    candidates=("quantisation_aware", "int8", "float16", "pcqat"),
)


@pytest.fixture(scope="module")
def student(world, tmp_path_factory):
    """The finished job of a student, and the packed validation split."""
    folder = tmp_path_factory.mktemp("student")
    job = world.job(folder / "job", "student", hyperparameters={"units": 40})
    training.run(job)
    return job, pack(folder / "validation", world.examples)


@pytest.fixture(scope="module")
def job_of(world, student, tmp_path_factory):
    """Returns a function from settings to a job that compresses the student."""
    trained, validation = student

    def make(config, **changes):
        fields = {
            "compression": config,
            "student_uri": trained.model_uri,
            "hyperparameters": trained.hyperparameters,
            "validation_uri": validation,
        }
        return world.job(tmp_path_factory.mktemp("job") / "job", "student", **(fields | changes))

    return make


@pytest.fixture(scope="module")
def found(job_of, tmp_path_factory):
    """A finished job, its record, and what it told."""
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    job = job_of(AUTO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(events.ENVIRONMENT, str(path))
        compressing.run(job)
    told = [json.loads(line) for line in path.read_text().splitlines()]
    return job, from_json(CompressionRecord, (Path(job.model_uri) / RECORD).read_text()), told


def right(world, logits):
    """Returns whether each labelled example that the student may see is answered rightly, by hand."""
    rows = []
    for example, answer in zip(world.examples, logits, strict=True):
        seen, colour = values_of(example, "student_label"), answer.argmax()
        if seen[0] >= 0:
            rows.append(float(colour == seen[0]))
    return np.array(rows)


def test_recipes_are_tried_as_far_as_the_budget_goes(found):
    _, record, told = found
    tried = record.search.tried
    assert [(one.recipe, one.steps > 0) for one in tried] == [
        ("int8", False),
        ("float16", False),
        ("quantisation_aware", True),
    ]
    assert record.search.left_out == ("pcqat",)
    notes = [event["text"] for event in told if event["event"] == "note"]
    assert "compression.recipe=auto tries 3 recipes on" in notes[0] and "does not suffice for pcqat" in notes[0]
    assert notes[1] == f"compression.recipe=auto took {record.recipe}"
    trials = {event.get("trial") for event in told if event["event"] == "training"}
    assert trials == {"quantisation_aware"}


def test_what_is_taken_is_the_file_that_its_recipe_makes_alone(found, job_of):
    job, record, _ = found
    [taken] = [one for one in record.search.tried if one.chosen]
    assert taken.recipe == record.recipe
    content = (Path(job.model_uri) / FILE).read_bytes()
    assert taken.file == record.file and record.file.bytes == len(content)
    alone = job_of(AUTO.of(record.recipe))
    compressing.run(alone)
    assert (Path(alone.model_uri) / FILE).read_bytes() == content
    # Also what is trained after others were made is what it is alone.
    trained = job_of(AUTO.of("quantisation_aware"))
    compressing.run(trained)
    again = from_json(CompressionRecord, (Path(trained.model_uri) / RECORD).read_text())
    assert again.search is None
    assert again.file == next(one.file for one in record.search.tried if one.recipe == "quantisation_aware")


def test_figures_are_those_of_the_answers_of_the_file(found, world, student):
    job, record, _ = found
    [taken] = [one for one in record.search.tried if one.chosen]
    file = right(world, CompressedModel(job.model_uri).answer_transformed(list(world.examples)))
    plain = right(world, world.logits(student[0])[:, 0])
    assert record.search.examples == len(file)
    assert taken.value == pytest.approx(file.mean()) and record.search.value == pytest.approx(plain.mean())
    assert taken.difference == pytest.approx((file - plain).mean())
    assert taken.standard_error == pytest.approx((file - plain).std(ddof=1) / np.sqrt(len(file)))
    assert all(one.latency_ms > 0 for one in record.search.tried)


def test_no_file_is_left_if_none_keeps_the_limits(job_of):
    job = job_of(dataclasses.replace(AUTO, max_bytes=100, budget=0.0))
    with pytest.raises(ConfigError, match=r"(?s)keeps the limits: .*int8: .* bytes are more than 100") as caught:
        compressing.run(job)
    assert "float16: " in str(caught.value)
    assert not Path(job.model_uri).exists()


def test_a_check_asks_for_the_size_alone(job_of):
    job = job_of(dataclasses.replace(AUTO, tolerance=0.0, max_latency_ms=1e-9), most_steps=2)
    compressing.run(job)
    record = from_json(CompressionRecord, (Path(job.model_uri) / RECORD).read_text())
    assert {one.recipe for one in record.search.tried} == {"int8", "float16"}


def test_it_needs_labelled_validation_examples(job_of, world, tmp_path):
    few = pack(tmp_path / "few", world.examples[:9])
    for uri in (few, None):
        with pytest.raises(DataError, match=r"needs 10 labelled examples there: give .* or name a recipe"):
            compressing.run(job_of(AUTO, validation_uri=uri))


def test_a_budget_for_no_candidate_is_refused(job_of):
    config = dataclasses.replace(AUTO, candidates=("pcqat",))
    with pytest.raises(
        ConfigError, match=r"budget=0\.5 suffices for none of .*pcqat.*: add int8, or set a larger"
    ):
        compressing.run(job_of(config))


def test_a_recipe_that_cannot_wrap_the_student_is_passed_over(world, tmp_path):
    def check(attribute, *candidates):
        task = TaskRef(module=uncompressible.__name__, attribute=attribute)
        config = dataclasses.replace(AUTO, candidates=candidates)
        folder = tmp_path / f"{attribute}-{len(candidates)}"
        job = world.job(folder, "student", task=task, planned_compression=config)
        feasibility.check(training.join_job(job))

    check("MIXING", "pqat", "int8")
    # A recipe that trains is tried if there is no other.
    with pytest.raises(TaskError, match="cannot be pruned"):
        check("MIXING", "pqat")
    with pytest.raises(TaskError, match=r"cannot become a \.tflite file"):
        check("OPERATOR", "int8", "pqat")


def test_a_size_that_no_file_can_have_is_told_before_any_training(world, tmp_path):
    def check(most):
        config = dataclasses.replace(AUTO, max_bytes=most)
        task = TaskRef(module=uncompressible.__name__, attribute="GOOD")
        job = world.job(tmp_path / str(most), "student", task=task, planned_compression=config)
        feasibility.check(training.join_job(job))

    check(5_000)
    with pytest.raises(
        ConfigError, match=r"max_bytes=900 is too little .*smallest file of int8, float16 has [\d,]+ b"
    ):
        check(900)
