"""A training that is killed goes on from its last checkpoint, and ends with the weights of one that never was.

Each test says where the kill fired: member and step when nothing moved any more, and what was saved by then.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from limbeck.settings.recovery import RecoveryConfig
from limbeck.trainer.job import TrainingJob
from limbeck.trainer.recovery.checkpoint import folder_of, latest
from tests.integration import mortal
from tests.integration.halting import QUICK, JobPosition, Running, kill, launched
from tests.integration.launching import LaunchResult
from tests.integration.mortal import MEMBERS, SAVE_EVERY, STEPS
from tests.trainer.world import World, weights

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

BOTH = ("chief", "worker")


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
    job = mortal.job(made, folder / "reference", checkpoints=None)
    with launched(job) as running:
        return Reference(made, job, running.finish())


def in_an_epoch(running: Running, member: int) -> Callable[[], bool]:
    """Steps are being taken, and something was saved."""

    def moment() -> bool:
        place = running.place
        return place is not None and place.member == member and bool(place.saved) and place.step < STEPS

    return moment


def is_unfinished(name: str) -> bool:
    return name.startswith(".unfinished-")


def in_a_save(running: Running) -> Callable[[], bool]:
    """A checkpoint is half written, and not the first."""

    def moment() -> bool:
        if not any(is_unfinished(name) for member in range(MEMBERS) for name in running.checkpoint_files(member)):
            return False
        place = running.place
        return place is not None and bool(place.saved) and place.saved[-1] < place.step < STEPS

    return moment


def in_the_export(running: Running) -> Callable[[], bool]:
    """The weights of the model are being written, and its graph is not there."""
    model = Path(running.job.model_uri)
    return lambda: (model / "variables").exists() and not (model / "saved_model.pb").exists()


def place_of(running: Running) -> JobPosition:
    place = running.place
    assert place is not None
    return place


def files(job: TrainingJob) -> set[str]:
    return {str(path.relative_to(job.model_uri)) for path in Path(job.model_uri).rglob("*")}


def assert_same(reference: Reference, job: TrainingJob, outcome: LaunchResult) -> None:
    """Weights, files and counts are those of the job that nothing happened to."""
    pairs = list(zip(weights(job), weights(reference.job), strict=True))
    assert len(pairs) == MEMBERS * 16
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    assert files(job) == files(reference.job)
    done, wanted = ([(one.role, one.rank, one.steps, one.examples) for one in each.records]
                    for each in (outcome, reference.outcome))  # fmt: skip
    assert done == wanted


def resumed(running: Running) -> list[tuple[int, int]]:
    """Members and steps that training went on from."""
    return [(event["member"], event["step"]) for event in running.told("resumed")]


@pytest.mark.parametrize(
    ("roles", "member"),
    [
        pytest.param(("chief",), 0, id="chief"),
        pytest.param(("worker",), 1, id="worker", marks=pytest.mark.release),
        pytest.param(BOTH, 0, id="all", marks=pytest.mark.release),
    ],
)
def test_killed_in_an_epoch(reference: Reference, tmp_path: Path, roles: tuple[str, ...], member: int) -> None:
    job = mortal.job(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job) as running:
        processes = running.halt(in_an_epoch(running, member))
        assert processes is not None and processes.keys() == set(BOTH)
        place = place_of(running)
        kill(processes, *roles)
        outcome = running.finish()
        assert 0 < place.step < STEPS and 0 < place.saved[-1] <= place.step
        [restart] = running.told("restarting")
        killed = "|".join(f"teacher {role}" for role in roles)
        assert re.match(rf"({killed})( 0)? was killed by SIGKILL", restart["reason"])
        *before, (last, step) = resumed(running)
        assert (before, last) == ([(0, STEPS)] * member, member)
        assert step in ({place.saved[-1]} if "chief" in roles else place.resumable(SAVE_EVERY))
    assert (outcome.restarts, outcome.preemptions) == (1, 0)
    assert_same(reference, job, outcome)


def test_killed_in_a_save(reference: Reference, tmp_path: Path) -> None:
    job = mortal.job(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job) as running:
        processes = running.halt(in_a_save(running))
        assert processes is not None
        place = place_of(running)
        left = [name for name in running.checkpoint_files(place.member) if is_unfinished(name)]
        kill(processes, "chief")
        outcome = running.finish()
        assert place.step % SAVE_EVERY == 0 and place.saved[-1] == place.step - SAVE_EVERY
        assert left and all(f".unfinished-{place.step:08d}." in name for name in left)
        assert resumed(running) == [(0, STEPS)] * place.member + [(place.member, place.saved[-1])]
        # What the killed save left is gone.
        assert not any(is_unfinished(name) for name in running.checkpoint_files(place.member))
    assert_same(reference, job, outcome)


def test_killed_in_the_export(reference: Reference, tmp_path: Path) -> None:
    """Nothing is trained again."""
    for number in range(3):
        job = mortal.job(reference.world, tmp_path / f"job-{number}", tmp_path / f"checkpoints-{number}")
        with launched(job) as running:
            processes = running.halt(in_the_export(running))
            if processes is None:
                # It was over between two looks.
                continue
            before = running.events
            saved = [latest(folder_of(str(job.checkpoint_uri), member)) for member in range(MEMBERS)]
            # What TensorFlow leaves where it is killed a moment later.
            (Path(job.model_uri) / "saved_model.pb.tmp7f3a").write_bytes(b"half")
            kill(processes, "chief")
            outcome = running.finish()
            assert before[-1]["what"] == "exporting the model"
            assert [state.step if state else None for state in saved] == [STEPS] * MEMBERS
            assert [event["event"] for event in running.events[len(before) :]] == [
                "restarting",
                *["resumed"] * MEMBERS,
                "phase",
            ]
            assert resumed(running) == [(member, STEPS) for member in range(MEMBERS)]
            assert_same(reference, job, outcome)
            return
    pytest.fail("no export was met")


def test_a_process_that_is_asked_to_end_saves_first(reference: Reference, tmp_path: Path) -> None:
    """As on a machine that is about to be taken away; it costs nothing of the budget."""
    job = mortal.job(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job, dataclasses.replace(QUICK, restarts=0)) as running:
        processes = running.halt(in_an_epoch(running, member=0))
        assert processes is not None
        place = place_of(running)
        processes["worker"].send_signal(signal.SIGTERM)
        kill(processes)
        outcome = running.finish()
        assert "was pre-empted" in running.told("restarting")[0]["reason"]
        [(member, step)] = resumed(running)
        # It was at most one call further when it looked.
        assert member == 0 and place.step <= step <= place.step + 2 * mortal.TRAINING.steps_per_call < STEPS
    assert (outcome.restarts, outcome.preemptions) == (0, 1)
    assert_same(reference, job, outcome)


def test_a_process_that_stands_still_is_killed(reference: Reference, tmp_path: Path) -> None:
    job = mortal.job(reference.world, tmp_path / "job", tmp_path / "checkpoints")
    with launched(job, dataclasses.replace(QUICK, heartbeat_seconds=4.0)) as running:
        processes = running.halt(in_an_epoch(running, member=0))
        assert processes is not None
        place = place_of(running)
        processes["chief"].resume()
        outcome = running.finish()
        assert 0 < place.step < STEPS
        assert "teacher worker 0 said nothing for" in running.told("restarting")[0]["reason"]
        [(member, step)] = resumed(running)
        assert member == 0 and place.saved[-1] <= step < STEPS
    assert outcome.restarts == 1
    assert_same(reference, job, outcome)


@pytest.fixture(scope="module")
def abandoned(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, JobPosition]:
    """The checkpoints of two workers that were killed together with what would have started them again."""
    folder = tmp_path_factory.mktemp("abandoned")
    job = mortal.job(reference.world, folder / "job", folder / "checkpoints")
    with launched(job) as running:
        assert running.halt(in_an_epoch(running, member=1)) is not None
        return folder / "checkpoints", place_of(running)


@pytest.mark.parametrize("workers", [1, *(pytest.param(one, marks=pytest.mark.release) for one in (2, 4))])
def test_another_launch_goes_on_with_any_number_of_workers(
    reference: Reference, abandoned: tuple[Path, JobPosition], tmp_path: Path, workers: int
) -> None:
    checkpoints, place = abandoned
    shutil.copytree(checkpoints, tmp_path / "checkpoints")
    job = mortal.job(reference.world, tmp_path / "job", tmp_path / "checkpoints", workers)
    with launched(job, RecoveryConfig(restarts=0)) as running:
        outcome = running.finish()
        assert 0 < place.step < STEPS and place.saved[-1] > 0
        assert resumed(running) == [(0, STEPS), (1, place.saved[-1])]
    assert [record.steps for record in outcome.records] == [MEMBERS * STEPS] * workers
    if workers == 2:
        assert_same(reference, job, outcome)
    wanted = mortal.accuracy(reference.world, reference.job)
    assert wanted > 0.9
    # Of 301 examples one is 0.003.
    assert mortal.accuracy(reference.world, job) == pytest.approx(wanted, abs=0.02)
