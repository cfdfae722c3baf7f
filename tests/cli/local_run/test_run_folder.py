"""One run at a time, and one task for good, has a folder to itself."""

import shutil
from pathlib import Path

import pytest

from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.errors import ConfigError
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from limbeck.settings.training import TrainingConfig
from tests.cli import program
from tests.full_disk import full_disk

REQUEST = Request(TaskRef("limbeck.tasks.digits"), Config(training=TrainingConfig(epochs=2)))


def test_a_request_survives_its_file(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.prepare(REQUEST)

    assert folder.request() == REQUEST


def test_accepting_a_schema_is_of_one_run_and_not_of_the_next(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.prepare(Request(REQUEST.task, REQUEST.config, accept_schema=True))
    assert folder.request().accept_schema

    folder.prepare(REQUEST)
    assert not folder.request().accept_schema


def test_temporary_files_of_a_killed_run_are_swept_and_nothing_else(tmp_path: Path):
    folder = RunFolder(tmp_path / "with [brackets]")
    node = folder.artifacts / "TeacherTrainer"
    packed = node / ".system" / "executor_execution" / "8" / ".temp" / "packed-train"
    working = node / ".system" / "stateful_working_dir" / "8"
    model = node / "model" / "8"
    for one in (packed, working, model):
        one.mkdir(parents=True)
        (one / "file").touch()

    folder.sweep()

    assert list(packed.parents[1].iterdir()) == []
    assert (working / "file").exists()
    assert (model / "file").exists()


def test_a_new_run_starts_with_an_empty_log_and_no_events(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.prepare(REQUEST)
    folder.log.write_text("old", encoding="utf-8")
    folder.events.write_text("old", encoding="utf-8")

    folder.prepare(Request(REQUEST.task, Config()))

    assert folder.request().config == Config()
    assert folder.log.read_text(encoding="utf-8") == folder.events.read_text(encoding="utf-8") == ""


def test_a_full_disk_leaves_the_request_of_before(tmp_path: Path):
    """It left an empty file, which no later run could read: the folder was lost, with all that it had computed."""
    folder = RunFolder(tmp_path)
    folder.prepare(REQUEST)
    with full_disk(), pytest.raises(ConfigError, match=r"cannot be written: "):
        folder.prepare(Request(REQUEST.task, Config()))
    assert folder.request() == REQUEST
    assert {path.name for path in tmp_path.iterdir()} == {"request.json", "logs"}

    undo = folder.prepare(Request(REQUEST.task, Config()))
    with full_disk(), pytest.raises(OSError, match="File too large"):
        undo()
    assert folder.request().config == Config()


@pytest.mark.parametrize("name", ["serving", "pipeline", "checkpoints", "logs"])
def test_a_file_in_the_place_of_a_folder_is_told_before_the_run(tmp_path: Path, name: str):
    """The run trained for minutes, and then had no folder to push to."""
    (tmp_path / name).touch()
    with pytest.raises(ConfigError, match=rf"{tmp_path}/{name} is a file, where a run has a folder; give another"):
        RunFolder(tmp_path).prepare(REQUEST)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["metadata.sqlite", "report.json", "report.html", "request.json"])
def test_a_folder_in_the_place_of_a_file_is_told_before_the_run(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    with pytest.raises(ConfigError, match=rf"{tmp_path}/{name} is a folder, where a run has a file; give another"):
        RunFolder(tmp_path).prepare(REQUEST)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_another_attribute_of_the_same_module_is_another_task(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.prepare(REQUEST)
    folder.metadata.touch()

    with pytest.raises(ConfigError, match=r"holds runs of the task limbeck\.tasks\.digits"):
        folder.prepare(Request(TaskRef("limbeck.tasks.digits", "OTHER"), Config()))
    assert folder.request() == REQUEST


def test_a_root_belongs_to_no_task_before_anything_is_computed(tmp_path: Path):
    # A run whose task could not be imported held the root for a task that had nothing in it.
    folder, other = RunFolder(tmp_path), Request(TaskRef("limbeck.tasks.taxi"), Config())
    for place in (
        folder.artifacts,
        folder.serving,
        folder.accepted,
        folder.checkpoints,
        folder.looks,
        folder.data,
    ):
        folder.prepare(REQUEST)
        place.mkdir()
        folder.prepare(other)
        assert folder.request() == other
        (place / "1").touch()
        with pytest.raises(ConfigError, match="give --root another folder"):
            folder.prepare(REQUEST)
        shutil.rmtree(place)


def test_a_folder_that_is_no_root_has_no_request(tmp_path: Path):
    with pytest.raises(ConfigError, match="is not the root of a run"):
        RunFolder(tmp_path).request()


def test_a_second_process_is_refused_while_a_run_holds_the_folder_and_changes_nothing(tmp_path: Path):
    folder = RunFolder(tmp_path)
    with folder.alone():
        folder.prepare(REQUEST)
        folder.events.write_text("events of the first\n", encoding="utf-8")

        second = program.run("run", "--task", "digits", "--root", tmp_path)

        assert second.returncode == 2
        assert second.stderr.startswith(f"error: another run is at work in {tmp_path}: wait for it")
        assert folder.request() == REQUEST
        assert folder.events.read_text(encoding="utf-8") == "events of the first\n"


def test_a_request_that_is_no_text_is_named_by_its_file(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.request_file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=f"{folder.request_file} is not a request that this version reads"):
        folder.request()


def test_a_request_that_cannot_be_read_is_named_by_its_file(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.request_file.write_text(
        '{"task": {"module": "limbeck.tasks.digits"}, "config": {"oven": 1}}', encoding="utf-8"
    )

    with pytest.raises(ConfigError) as caught:
        folder.prepare(REQUEST)

    assert str(folder.request_file) in str(caught.value)
    assert "oven" in str(caught.value)


def test_the_folder_is_free_again_after_a_run_however_it_ended(tmp_path: Path):
    folder = RunFolder(tmp_path)
    with pytest.raises(ZeroDivisionError), folder.alone():
        raise ZeroDivisionError

    with folder.alone(), pytest.raises(ConfigError, match="another run is at work"), folder.alone():
        pass


@pytest.mark.parametrize("name", ["exp[1]", "a*b", "what?"])
def test_a_root_with_a_wildcard_in_its_name_is_refused_before_anything_is_made(tmp_path: Path, name: str):
    # It ended after Transform, with a message about files that were there.
    done = program.run("run", "--task", "digits", "--root", tmp_path / name)

    assert done.returncode == 2
    assert done.stderr.startswith("error: --root must hold none of * ? [ ]")
    assert not (tmp_path / name).exists()


def test_two_tasks_of_one_module_name_do_not_share_a_root_but_a_moved_one_keeps_its_own(tmp_path: Path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own_task.py").touch()
    root = RunFolder(tmp_path / "root")
    root.root.mkdir()
    first, second = (TaskRef("own_task", search_path=str(tmp_path / name)) for name in ("first", "second"))
    root.prepare(Request(first, Config()))
    root.metadata.touch()

    with pytest.raises(
        ConfigError, match=r"holds runs of the task own_task in .*first.*another folder for .*second"
    ):
        root.prepare(Request(second, Config()))
    (tmp_path / "first" / "own_task.py").unlink()
    root.prepare(Request(second, Config()))

    assert root.request().task == second
