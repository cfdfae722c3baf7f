"""Which pages stand beside the report of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck import events
from limbeck.cli.local_run import further_pages
from limbeck.cli.local_run.dag_runner import ObservedDagRunner
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.errors import DataError
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from tests.cli import tiny


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    made = RunFolder(tmp_path)
    made.prepare(Request(TaskRef("tasks.shapes"), Config()))
    monkeypatch.setenv(events.ENVIRONMENT, str(made.events))
    return made


def test_a_run_that_did_not_get_far_has_none_and_those_of_the_run_before_are_gone(folder: RunFolder):
    stale = [folder.root / name for name in ("statistics.html", "slices.html")]
    for path in stale:
        path.touch()
    with pytest.raises(DataError):
        ObservedDagRunner().run(tiny.refusing(folder.root))

    assert further_pages.write(folder, "shapes") == ()
    assert not any(path.exists() for path in stale)


def test_a_folder_in_which_nothing_ran_has_none(folder: RunFolder):
    assert further_pages.write(folder, "shapes") == ()


def test_tensorboard_is_told_where_there_is_something_to_see(folder: RunFolder):
    assert further_pages.tensorboard(folder) is None
    written = folder.artifacts / "Distiller" / "model_run" / "7" / "tensorboard" / "0"
    written.mkdir(parents=True)
    (written / "events.out.tfevents.1.host.2.3.v2").touch()

    assert further_pages.tensorboard(folder) == f"tensorboard --logdir {folder.artifacts}"
