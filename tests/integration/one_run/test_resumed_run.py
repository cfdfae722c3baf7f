"""A whole run that is killed in a training, with all its processes, goes on from there when it is started again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.cli.stored import last_run
from tests.integration.halting import read_events, stop
from tests.integration.one_run.base import Base
from tests.integration.runs import SHORT, run, weights
from tests.integration.test_kill import PATIENCE_SECONDS, living, start

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

SAVE_EVERY = 5
SETTINGS = (f"checkpoint.steps={SAVE_EVERY}", "controls=false", "distillation.search=false")


def kill_at(moment: Callable[[Path], bool], root: Path, *settings: str) -> None:
    """Starts a run, and kills the command line and all that it started when a moment is met."""
    command_line = start(root, *SETTINGS, *settings)
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while True:
            assert command_line.poll() is None and time.monotonic() < deadline, read_events(events_of(root))[-3:]
            if moment(root):
                stop(living(root))
                if moment(root):
                    return
                for process in living(root):
                    process.resume()
            time.sleep(0.005)
    finally:
        while left := living(root):
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        command_line.wait()


def events_of(root: Path) -> Path:
    return root / "logs" / "events.jsonl"


def told(root: Path, kind: str) -> list[dict[str, Any]]:
    return [event for event in read_events(events_of(root)) if event["event"] == kind]


def manifests(root: Path) -> list[Path]:
    return sorted((root / "checkpoints").glob("*/member-*/step-*.json"))


def newest(paths: list[Path]) -> dict[int, int]:
    """The last step of each member, by the names of the manifests."""
    steps = {int(path.parent.name.removeprefix("member-")): int(path.stem.removeprefix("step-")) for path in paths}
    return dict(sorted(steps.items()))


def in_a_teacher(root: Path) -> bool:
    """A teacher is being trained, and something was saved of it."""
    steps = told(root, "training")
    return bool(steps) and steps[-1]["step"] < steps[-1]["steps"] and bool(manifests(root))


def at_the_first_steps(root: Path) -> bool:
    return bool(told(root, "training"))


def running(root: Path, since: float) -> list[str]:
    """The nodes that were at work, as the metadata store knows them."""
    return [one.node for one in last_run(root / "metadata.sqlite", since) if one.state == "RUNNING"]


def assert_equal_weights(root: Path, base: Path) -> None:
    for node in ("TeacherTrainer", "Distiller"):
        pairs = list(zip(weights(root, node), weights(base, node, first=True), strict=True))
        assert len(pairs) >= 4
        for left, right in pairs:
            np.testing.assert_array_equal(left, right)


def test_a_run_that_was_killed_in_a_training_goes_on_from_there(base: Base, tmp_path: Path) -> None:
    root, began = tmp_path / "root", time.time()
    kill_at(in_a_teacher, root)
    assert running(root, began) == ["TeacherTrainer"]
    place, before = told(root, "training")[-1], manifests(root)
    assert place["entry"] == "teacher" and 0 < place["step"] < place["steps"]
    [folder] = {path.parents[1] for path in before}

    # Another learning rate makes another training, which begins from the start and leaves the first one's files alone.
    kill_at(at_the_first_steps, root, "training.learning_rate=0.002")
    assert told(root, "resumed") == []
    assert (told(root, "training")[0]["member"], told(root, "training")[0]["step"]) == (0, SAVE_EVERY)
    assert sorted(folder.glob("*/step-*.json")) == before

    again = run("digits", root, *SHORT, *SETTINGS)
    assert again.code == 0, again.output
    assert {"TeacherTrainer", "Distiller"} <= again.computed and "Transform" not in again.computed
    resumed = {event["member"]: event["step"] for event in told(root, "resumed")}
    assert resumed == newest(before) and min(resumed.values()) > 0
    assert_equal_weights(root, base.root)
    # What is done needs no checkpoint.
    assert not folder.exists()
