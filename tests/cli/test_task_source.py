"""What a task's source says plainly is told at once; what it does not say is left to the run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from limbeck.cli import task_source
from limbeck.errors import ConfigError, TaskError
from limbeck.reference import find
from tests.cli import program

PLAIN = "import tensorflow\nfrom limbeck import Task\nTASK = Task(name='x', features=())\n"


def written(folder: Path, source: str) -> Path:
    path = folder / "my_task.py"
    path.write_text(source, encoding="utf-8")
    return path


def test_forgotten_data_are_told_before_anything_is_loaded(tmp_path: Path):
    task = written(tmp_path, PLAIN)

    for arguments in (("run", "--task", task, "--root", tmp_path / "root"), ("check", "--task", task)):
        done = program.run(*arguments, options=("-X", "importtime"))
        assert done.returncode == 2
        assert "error: task 'my_task' has no data of its own: give --set data.path=FOLDER" in done.stderr
        assert "tensorflow" not in {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize("source", ["TASK = (\n", "def task():\nreturn 1\n", "TASK = '\\N{no such}'\n"])
def test_a_file_that_is_no_python_is_told_as_its_import_would_tell_it(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
):
    ref = find(str(written(tmp_path, source)))
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(TaskError) as later:
        ref.load()
    with pytest.raises(TaskError, match=re.escape(str(later.value))):
        task_source.assert_python(ref)


def test_a_file_that_is_no_python_is_told_before_anything_is_loaded(tmp_path: Path):
    task = written(tmp_path, "TASK = (\n")

    for arguments in (
        ("run", "--task", task, "--root", tmp_path / "root"),
        ("check", "--task", task),
        ("compile", "--task", task, "--target", "vertex", "--output", tmp_path / "x"),
    ):
        done = program.run(*arguments, options=("-X", "importtime"))
        assert done.returncode == 2
        assert "error: task module 'my_task' cannot be imported:" in done.stderr
        assert "SyntaxError: '(' was never closed" in done.stderr
        assert "tensorflow" not in {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert list(tmp_path.iterdir()) == [task]


@pytest.mark.parametrize(
    "source",
    [
        "from limbeck import Task\nTASK = Task(name='x', write_data=print)\n",
        "from limbeck import Task\nTASK = Task(**{'write_data': print})\n",
        "from limbeck import Task\nTASK = Task('x', (), None, None, None, None, None, None, print)\n",
        "from elsewhere import TASK\n",
        "import dataclasses\nfrom elsewhere import OTHER\nTASK = dataclasses.replace(OTHER, name='x')\n",
        "from limbeck import Task\nTASK = Task(name='x')\nTASK = Task(name='x', write_data=print)\n",
        "from limbeck import Task\nif True:\n    TASK = Task(name='x', write_data=print)\n",
        "TASK = (",
    ],
)
def test_what_is_not_plain_is_left_to_the_run(tmp_path: Path, source: str):
    task_source.assert_data(find(str(written(tmp_path, source))), None)


@pytest.mark.parametrize("call", ["Task(name='x')", "limbeck.Task(name='x')"])
def test_a_path_is_enough(tmp_path: Path, call: str):
    ref = find(str(written(tmp_path, f"import limbeck\nfrom limbeck import Task\nTASK = {call}\n")))

    task_source.assert_data(ref, "/data")
    with pytest.raises(ConfigError, match="no data of its own"):
        task_source.assert_data(ref, None)


def test_the_built_in_task_brings_its_data():
    task_source.assert_data(find("digits"), None)
