"""Jobs of teachers in stages, and what is refused before one begins."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster, title
from limbeck.launchers.launch import launch
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from limbeck.settings.pipelining import PipeliningConfig
from limbeck.trainer import training
from limbeck.trainer.recovery.job_digest import job_digest
from limbeck.trainer.session import inputs, pipelined, preflight
from tests.trainer.pipelining import cuts
from tests.trainer.session import deep
from tests.trainer.world import POSITIONS, STEPS, TRAINING, weights

pytestmark = pytest.mark.long

TWO = PipeliningConfig(stages=2, micro_batches=4)


@pytest.mark.processes
def test_a_teacher_in_stages_is_the_teacher_of_one_device(world, tmp_path):
    """On two replicas, with a batch of one example, of which three micro-batches have none; exported for one device."""
    plain = world.job(tmp_path / "plain", "teacher")
    training.run(plain)
    job = world.job(
        tmp_path / "stages",
        "teacher",
        pipelining=PipeliningConfig(stages=2, replicas=2, micro_batches=2),
        training=dataclasses.replace(TRAINING, recompute="except_last"),
    )
    (only,) = launch(job, Cluster.of(job.strategy)).result
    assert (only.steps, only.examples) == (STEPS, POSITIONS)
    for one, other in zip(weights(job), weights(plain), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)
    assert np.abs(world.logits(job) - world.logits(plain)).max() <= 1e-5


def validation_losses(job):
    history = json.loads((Path(job.record_uri) / "history.json").read_text(encoding="utf-8"))
    return [point["validation"]["loss"] for point in history["members"][0] if point["validation"]]


@pytest.mark.processes
def test_stages_in_processes_are_the_teacher_of_one_device(world, tmp_path):
    """And are validated as it is. And a checkpoint of two stages goes on in one process without stages."""
    changes = {
        "task": world.variant("SGD"),
        "checkpoint_uri": str(tmp_path / "checkpoints"),
        "validation_uri": world.folders["teacher"],
        "training": dataclasses.replace(TRAINING, early_stopping_patience=9),
    }
    half = {"most_steps": STEPS // 2}
    plain = world.job(tmp_path / "plain", "teacher", **changes | {"checkpoint_uri": None})
    before = world.job(tmp_path / "before", "teacher", **changes | half | {"checkpoint_uri": None})
    stages = dataclasses.replace(TWO, devices="processes")
    job = world.job(tmp_path / "stages", "teacher", pipelining=stages, **changes | half)
    rest = world.job(tmp_path / "rest", "teacher", **changes)
    training.run(plain)
    training.run(before)
    (only,) = launch(job, Cluster.of(job.strategy, job.pipelining)).result
    training.run(rest)
    assert (only.role, only.steps) == ("chief", STEPS // 2)
    for ours, wanted in ((job, before), (rest, plain)):
        for one, other in zip(weights(ours), weights(wanted), strict=True):
            assert np.abs(one - other).max() <= 1e-6 * np.abs(other).max()
    assert np.abs(world.logits(job) - world.logits(before)).max() <= 1e-6
    ours, wanted = (validation_losses(one) for one in (job, before))
    assert ours and ours == pytest.approx(wanted, rel=1e-6)
    assert not {"released", "asked-1"} & {path.name for path in (tmp_path / "stages").iterdir()}


def test_a_job_in_processes_has_one_for_each_stage(world, tmp_path):
    job = world.job(tmp_path / "job", "teacher", pipelining=PipeliningConfig(stages=3, devices="processes"))
    cluster = Cluster.of(job.strategy, job.pipelining)
    assert [title(job, task) for task in cluster.tasks] == [
        "teacher chief (stage 0)", "teacher worker 0 (stage 1)", "teacher worker 1 (stage 2)",
    ]  # fmt: skip
    assert (job.processes, job.chief_alone, cluster.training) == (3, True, cluster.tasks[:1])
    replicated = dataclasses.replace(job, pipelining=dataclasses.replace(job.pipelining, replicas=2))
    tasks = Cluster.of(replicated.strategy, replicated.pipelining).tasks
    assert [title(replicated, task) for task in tasks][2:5] == [
        "teacher worker 1 (stage 2 of replica 0)", "teacher worker 2 (stage 0 of replica 1)",
        "teacher worker 3 (stage 1 of replica 1)",
    ]  # fmt: skip
    # Stages end when the chief is done, and the job can lose none.
    assert not cluster.endless and not cluster.expendable
    with pytest.raises(ValueError, match=r"the job needs 3 processes, the cluster has 1"):
        launch(job, Cluster.of(job.strategy))


def test_a_checkpoint_belongs_to_any_number_of_stages_and_replicas(world, tmp_path):
    plain = world.job(tmp_path / "plain", "teacher")
    for stages in (TWO, dataclasses.replace(TWO, replicas=2)):
        assert job_digest(dataclasses.replace(plain, pipelining=stages)) == job_digest(plain)


def test_more_stages_than_blocks_are_refused_before_training(world, tmp_path):
    plain = world.job(tmp_path / "plain", "teacher")
    session = training.join_job(plain)
    job = dataclasses.replace(plain, pipelining=PipeliningConfig(stages=3))
    with pytest.raises(ConfigError, match=r"pipelining.stages is 3 and the teacher of task 'tiny' has 2: lower"):
        preflight.check(dataclasses.replace(session, job=job), inputs.order_of(session, 0))


@pytest.mark.parametrize(("optimizer", "recompute", "copies"), [("SGD", "none", 4), ("TASK", "all", 5)])
def test_what_fits_no_memory_is_refused_before_training(world, tmp_path, optimizer, recompute, copies):
    """Each of 8 layers has 1 MiB of weights, and as much for a gradient, for the sum of gradients, and for each slot.

    The SGD of tf_keras has a slot without momentum as well, and Adam has two.
    """
    # A cut of an attempt without that limit does not count.
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "cut-into-2.json").write_text("[5]")
    job = world.job(
        tmp_path / "job",
        "teacher",
        checkpoint_uri=str(tmp_path / "checkpoints"),
        task=TaskRef(module=deep.__name__, attribute=optimizer),
        hyperparameters={"layers": 8},
        pipelining=dataclasses.replace(TWO, memory_mib=10),
        training=dataclasses.replace(TRAINING, recompute=recompute),
    )
    session = training.join_job(dataclasses.replace(job, pipelining=PipeliningConfig()))
    told = r"memory_mib=10, but no cut of the teacher of task 'deep' into 2 stages does\. .* misses it by ([\d.]+) MiB"
    session = dataclasses.replace(session, job=job)
    # By sizes alone, where another model is trained first, and again with times, where this one is.
    with pytest.raises(ConfigError, match=told) as raised:
        preflight.check(session, inputs.order_of(session, 0))
    missing = float(re.search(told, str(raised.value))[1])
    with pytest.raises(ConfigError, match=re.escape(str(raised.value).partition(", with")[0])):
        pipelined.build(session, 0, tell=False)
    assert 10 + missing == pytest.approx(4 * copies * deep.MEGABYTES_A_LAYER, abs=0.5)


def test_only_teachers_have_stages(world, tmp_path):
    with pytest.raises(ConfigError, match="only a job of teachers has stages"):
        world.job(tmp_path / "job", "student", pipelining=TWO)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"schedule": "2bw"}, "is an order of several stages, but pipelining.stages is 1: raise"),
        (
            {"stages": 4, "schedule": "2bw", "micro_batches": 2},
            "with 3 micro-batches or more, but .* is 2: raise it",
        ),
        (
            {"stages": 2, "schedule": "weight_stashing", "micro_batches": 2},
            "so each batch is one, but .* leave it out",
        ),
        ({"devices": "processes"}, "but pipelining.stages is 1: raise pipelining.stages, or leave"),
        ({"micro_batches": 4}, "pipelining.stages is 1: raise pipelining.stages, or take training.accumulate"),
        (
            {"stages": 2, "micro_batches": 5},
            r"batch_size=64 does not divide into pipelining.micro_batches=5: change",
        ),
        (
            {"stages": 2, "replicas": 3, "micro_batches": 4},
            r"batch_size=64 does not divide into pipelining.replicas=3 times pipelining.micro_batches=4: change",
        ),
        ({"memory_mib": 900}, "is what a stage must fit, but pipelining.stages is 1: raise"),
        (
            {"stages": 2, "schedule": "2bw", "micro_batches": 2, "memory_mib": 900},
            "keeps older weights as well, .*: leave it out",
        ),
        ({"replicas": 2}, "pipelining.stages is 1: raise pipelining.stages, or take strategy.name=mirrored"),
        (
            {"stages": 2, "replicas": 2, "schedule": "2bw", "micro_batches": 2},
            "pipelining.replicas=2 sums the gradients of all replicas before: leave",
        ),
        (
            {"stages": 2, "replicas": 2, "schedule": "weight_stashing"},
            "pipelining.replicas=2 sums the gradients of all replicas before: leave",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, told):
    with pytest.raises(ConfigError, match=told):
        records.from_mapping(Config, {"pipelining": settings})


@pytest.mark.parametrize(
    ("setting", "value"), [("clip_norm", 1.0), ("accumulate", 2), ("precision", "mixed_float16")]
)
def test_what_needs_the_gradient_of_all_stages_is_refused_without_a_flush(setting, value):
    values = {"pipelining": {"stages": 2, "schedule": "2bw"}, "training": {setting: value}}
    with pytest.raises(
        ConfigError, match=rf"training.{setting}={value} concerns the gradient of all stages: leave it"
    ):
        records.from_mapping(Config, values)
    records.from_mapping(Config, values | {"pipelining": {"stages": 2}})


def test_a_checkpoint_belongs_to_the_rule_of_a_schedule(world, tmp_path):
    """Older weights change the result, and under `weight_stashing` the number of stages says how old they are."""
    plain = world.job(tmp_path / "plain", "teacher")

    def digest(schedule, stages):
        pipelining = PipeliningConfig(
            stages=stages, schedule=schedule, micro_batches=4 if schedule == "2bw" else 1
        )
        return job_digest(dataclasses.replace(plain, pipelining=pipelining))

    found = [digest(schedule, stages) for schedule in ("1f1b", "2bw", "weight_stashing") for stages in (2, 4)]
    assert found[0] == found[1] == job_digest(plain)
    assert found[2] == found[3]
    assert len(set(found)) == 4


@pytest.mark.processes
@pytest.mark.parametrize("schedule", ["2bw", "weight_stashing"])
def test_a_job_without_a_flush_goes_on_to_the_bit(world, tmp_path, schedule):
    """In groups of another size: 17 steps at once against 9 and 8, with older weights from the checkpoint."""
    micro_batches = 4 if schedule == "2bw" else 1
    stages = PipeliningConfig(stages=2, micro_batches=micro_batches, schedule=schedule)
    changes = {"pipelining": stages, "checkpoint_uri": str(tmp_path / "checkpoints")}
    own = tmp_path / "its checkpoints"
    whole = world.job(tmp_path / "whole", "teacher", **changes | {"checkpoint_uri": str(own)})
    half = world.job(tmp_path / "half", "teacher", **changes, most_steps=9)
    rest = world.job(tmp_path / "rest", "teacher", **changes)
    for job in (whole, half, rest):
        launch(job, Cluster.of(job.strategy, job.pipelining))
        if job is whole:
            cuts.share(own, tmp_path / "checkpoints")
    for one, other in zip(weights(rest), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    plain = world.job(tmp_path / "plain", "teacher")
    training.run(plain)
    assert any(np.abs(one - other).max() > 1e-4 for one, other in zip(weights(whole), weights(plain), strict=True))


@pytest.mark.parametrize("name", ["mirrored", "central_storage"])
def test_a_strategy_that_needs_the_same_devices_is_refused(name):
    values = {"pipelining": {"stages": 2}, "strategy": {"name": name}}
    with pytest.raises(
        ConfigError, match=f"strategy.name={name} puts a replica on each of them: take strategy.name=one"
    ):
        records.from_mapping(Config, values)
    records.from_mapping(Config, values | {"strategy": {"name": "multi_worker_mirrored"}})
