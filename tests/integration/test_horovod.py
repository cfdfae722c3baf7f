"""Training under Horovod while its processes are killed: it ends with the weights of one that nothing happened to."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path

import numpy as np
import pytest

from limbeck.settings.strategy import StrategyConfig
from limbeck.trainer.job import TrainingJob
from tests.horovod_extra import needs_horovod
from tests.integration import mortal
from tests.integration.halting import PATIENCE_SECONDS, QUICK, Running, kill, launched
from tests.integration.launching import LaunchResult
from tests.integration.mortal import SAVE_EVERY, STEPS
from tests.trainer.world import World, weights

pytestmark = [pytest.mark.pipeline, pytest.mark.long, needs_horovod]


@dataclasses.dataclass(frozen=True)
class Reference:
    """The job that nothing happened to, and that saved nothing."""

    world: World
    job: TrainingJob
    outcome: LaunchResult


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("mortal")
    made = mortal.build(folder)
    job = job_of(made, folder / "reference", None)
    with launched(job) as running:
        return Reference(made, job, running.finish())


def job_of(made: World, folder: Path, checkpoints: Path | None, strategy: str = "horovod") -> TrainingJob:
    """Returns a job of one teacher, by two processes."""
    job = mortal.job(made, folder, checkpoints)
    return dataclasses.replace(job, strategy=StrategyConfig(strategy, workers=2), members=1)


def underway(running: Running) -> bool:
    place = running.place
    return place is not None and bool(place.saved) and place.step < STEPS


def assert_same(reference: Reference, job: TrainingJob, outcome: LaunchResult) -> None:
    """Weights and counts are those of the job that nothing happened to."""
    pairs = list(zip(weights(job), weights(reference.job), strict=True))
    assert len(pairs) == 16
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    done, wanted = ([(one.role, one.steps, one.examples) for one in each.records]
                    for each in (outcome, reference.outcome))  # fmt: skip
    assert done == wanted


def test_every_process_computed_its_share(reference: Reference) -> None:
    assert [(one.role, one.steps) for one in reference.outcome.records] == [("chief", STEPS), ("worker", STEPS)]
    assert sum(one.examples for one in reference.outcome.records) == mortal.COUNT * mortal.TRAINING.epochs


def test_a_killed_chief_ends_the_attempt_and_the_next_one_is_exact(reference: Reference, tmp_path: Path) -> None:
    """The server through which the processes met dies with it."""
    job = job_of(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job) as running:
        processes = running.halt(lambda: underway(running))
        assert processes is not None and processes.keys() == {"chief", "worker"}
        place = running.place
        assert place is not None
        kill(processes, "chief")
        outcome = running.finish()
        [restart] = running.told("restarting")
        assert restart["reason"].startswith("teacher chief was killed by SIGKILL")
        assert [one["step"] for one in running.told("resumed")] == [place.saved[-1]]
    assert (outcome.restarts, outcome.preemptions) == (1, 0)
    assert_same(reference, job, outcome)


@pytest.mark.release
def test_a_process_that_is_asked_to_end_saves_first(reference: Reference, tmp_path: Path) -> None:
    """All leave Horovod before they end, so none takes another for lost."""
    job = job_of(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job, dataclasses.replace(QUICK, restarts=0)) as running:
        processes = running.halt(lambda: underway(running))
        assert processes is not None
        processes["worker"].send_signal(signal.SIGTERM)
        kill(processes)
        outcome = running.finish()
        assert "was pre-empted" in running.told("restarting")[0]["reason"]
        assert "uncaught exception" not in running.log
    assert (outcome.restarts, outcome.preemptions) == (0, 1)
    assert_same(reference, job, outcome)


@pytest.mark.release
def test_a_killed_worker_ends_the_job_and_another_strategy_goes_on(reference: Reference, tmp_path: Path) -> None:
    killed = job_of(reference.world, tmp_path / "killed", tmp_path / "checkpoints")
    with launched(killed, dataclasses.replace(QUICK, restarts=0)) as running:
        processes = running.halt(lambda: underway(running))
        assert processes is not None
        place = running.place
        assert place is not None
        kill(processes, "worker")
        assert running.supervisor.wait(PATIENCE_SECONDS) != 0
        assert "teacher worker 0 was killed by SIGKILL" in running.log
    job = job_of(reference.world, tmp_path / "job", tmp_path / "checkpoints", "multi_worker_mirrored")
    with launched(job) as running:
        running.finish()
        [resumed] = running.told("resumed")
        assert resumed["step"] in place.resumable(SAVE_EVERY)
    # Two numbers have one sum, but TensorFlow may compute something else in another order.
    for one, other in zip(weights(job), weights(reference.job), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
