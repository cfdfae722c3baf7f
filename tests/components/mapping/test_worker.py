"""What a worker is asked before it works, and what passes between the two."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from limbeck.beam_processes import faults
from limbeck.components.mapping import seal, worker
from limbeck.components.mapping.seal import Wanted
from limbeck.errors import ConfigError, DataError
from limbeck.records import from_json, to_json
from limbeck.reference import TaskRef
from tests.components.bulk_scoring.model import SOURCE, write_task


@pytest.fixture
def task(tmp_path: Path) -> TaskRef:
    folder = tmp_path / "task"
    folder.mkdir()
    return write_task(folder)


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker, "_first_seen", {})
    worker.what_is_wrong.cache_clear()


def changed(wanted: str, **changes: object) -> str:
    job = from_json(Wanted, wanted)
    return to_json(dataclasses.replace(job, identity=dataclasses.replace(job.identity, **changes)))


def half(item: int) -> int:
    if item % 2:
        with faults.marked():
            raise DataError(f"{item} is odd: give an even number")
    return item // 2


def test_a_worker_that_fits_answers_beside_the_seal(task: TaskRef, tmp_path: Path):
    with seal.sealed(str(tmp_path)) as place:
        found = from_json(worker.Look, worker.look(seal.wanted(task, place, (str(tmp_path),))))
        assert found.wrong == ""
        assert Path(found.answer).is_file() and found.answer.startswith(place)
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_what_differs_is_named(task: TaskRef, tmp_path: Path):
    with seal.sealed(str(tmp_path)) as place:
        wanted = seal.wanted(task, place, ("/nowhere/data.csv",))
        assert worker.what_is_wrong(wanted) == "does not find /nowhere/data.csv, which the pipeline sees"
        assert "Limbeck's code with digest" in worker.what_is_wrong(changed(wanted, code="0" * 64))
        versions = from_json(Wanted, wanted).identity.versions | {"tensorflow": "2.99"}
        assert "tensorflow 2.16.2 (the pipeline: 2.99)" in worker.what_is_wrong(changed(wanted, versions=versions))
        missing = versions | {"tensorflow": "2.16.2", "no-such-package": "1"}
        assert "no-such-package None (the pipeline: 1)" in worker.what_is_wrong(changed(wanted, versions=missing))
        assert "the task's code with digest" in worker.what_is_wrong(changed(wanted, task_code="0" * 64))
        assert worker.what_is_wrong('{"newer": 1}') == "has other code of Limbeck"
    assert "does not find" in worker.what_is_wrong(seal.wanted(task, place, ()))


def test_a_worker_without_the_task_is_named(task: TaskRef, tmp_path: Path):
    with seal.sealed(str(tmp_path)) as place:
        wanted = seal.wanted(task, place, ())
        (tmp_path / "task" / "scored_task.py").unlink()
        assert "no copy of the task" in worker.what_is_wrong(wanted)


def test_a_worker_that_has_imported_an_older_task_is_named(task: TaskRef, tmp_path: Path):
    """It has the new file on its disk, and computes with the old one."""
    file = tmp_path / "task" / "scored_task.py"
    with seal.sealed(str(tmp_path)) as place:
        assert worker.what_is_wrong(seal.wanted(task, place, ())) == ""
        file.write_text(SOURCE.replace("default=7", "default=8"), encoding="utf-8")
        # Nothing was imported yet.
        assert worker.what_is_wrong(seal.wanted(task, place, ())) == ""
        task.load()
        file.write_text(SOURCE.replace("default=7", "default=9"), encoding="utf-8")
        assert worker.what_is_wrong(seal.wanted(task, place, ())) == (
            "has an older copy of the task's code in its memory"
        )
    del sys.modules["scored_task"]


def test_a_mistake_of_the_user_is_a_value(task: TaskRef, tmp_path: Path):
    with seal.sealed(str(tmp_path)) as place:
        wanted = seal.wanted(task, place, ())
        assert worker.call(wanted, worker.packed(half, 8)) == worker.Returned(4)
        refused = worker.call(wanted, worker.packed(half, 3))
        assert isinstance(refused, worker.Refused)
        error = refused.error()
        assert type(error) is DataError and str(error) == "3 is odd: give an even number"
        with pytest.raises(ZeroDivisionError):
            worker.call(wanted, worker.packed(divmod_by_zero, 3))
        stale = worker.call(changed(wanted, code="0" * 64), b"never opened")
        assert isinstance(stale, worker.Refused) and "every worker must run and see" in stale.message


def divmod_by_zero(item: int) -> int:
    return item // 0


def test_a_kind_of_error_that_another_module_knows_is_its_nearest():
    from limbeck.components.example_gen.files import UnreachableError

    assert worker._known_kind(UnreachableError) == "DataError"
    assert worker._known_kind(ConfigError) == "ConfigError"
