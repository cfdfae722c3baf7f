"""Asynchronous training while its processes are killed: it is not exact, so it is held to a metric.

A lost worker stops nothing. A lost server takes variables with it, so all start again from the newest checkpoint.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer.job import TrainingJob
from tests.integration import mortal
from tests.integration.halting import Running, kill, launched
from tests.integration.mortal import MEMBERS, SAVE_EVERY, STEPS
from tests.trainer.world import World, weights

pytestmark = [pytest.mark.pipeline, pytest.mark.long]
# Two servers, so that the kernels of the wide layers are cut into shards.
STRATEGY = StrategyConfig(name="parameter_server", workers=2, parameter_servers=2)
TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class Reference:
    """The same job in one process."""

    world: World
    job: TrainingJob
    accuracy: float


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reference]:
    folder = tmp_path_factory.mktemp("reference")
    made = mortal.build(folder)
    job = dataclasses.replace(mortal.job(made, folder / "job", None), strategy=StrategyConfig(name="one_device"))
    with launched(job) as running:
        running.finish()
    yield Reference(made, job, mortal.accuracy(made, job))


def job_of(reference: Reference, folder: Path) -> TrainingJob:
    return dataclasses.replace(
        mortal.job(reference.world, folder / "job", folder / "checkpoints"), strategy=STRATEGY
    )


def underway(running: Running) -> bool:
    place = running.place
    return place is not None and 10 < place.step < STEPS and bool(place.saved) and "worker" in running.processes()


def assert_trained(reference: Reference, job: TrainingJob) -> None:
    """As well as in one process, with weights of the same shapes."""
    found, expected = weights(job), weights(reference.job)
    assert [one.shape for one in found] == [one.shape for one in expected]
    assert all(np.isfinite(one).all() for one in found)
    assert mortal.accuracy(reference.world, job) >= reference.accuracy - TOLERANCE


def test_a_killed_worker_does_not_stop_the_training(reference: Reference, tmp_path: Path) -> None:
    job = job_of(reference, tmp_path)
    with launched(job) as running:
        processes = running.halt(lambda: underway(running))
        assert processes is not None and processes.keys() == {"chief", "worker", "worker 1", "ps", "ps 1"}
        kill(processes, "worker")
        outcome = running.finish()
        assert not running.told("restarting") and not running.told("resumed")
    assert (outcome.restarts, outcome.preemptions) == (0, 0)
    assert [(one.role, one.steps) for one in outcome.records] == [("chief", MEMBERS * STEPS)]
    assert_trained(reference, job)


def test_after_a_killed_server_all_go_on_from_the_newest_checkpoint(reference: Reference, tmp_path: Path) -> None:
    job = job_of(reference, tmp_path)
    with launched(job) as running:
        processes = running.halt(lambda: underway(running))
        assert processes is not None
        place = running.place
        assert place is not None
        kill(processes, "ps")
        outcome = running.finish()
        [restart] = running.told("restarting")
        assert "teacher ps" in restart["reason"] and "SIGKILL" in restart["reason"]
        resumed = {(one["member"], one["step"]) for one in running.told("resumed")}
        assert resumed & {(place.member, step) for step in place.resumable(SAVE_EVERY)}
    assert outcome.restarts == 1
    assert_trained(reference, job)
