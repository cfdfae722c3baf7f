"""What a task's source says plainly is told at once; what it does not say is left to the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck.cli import task_source
from limbeck.errors import ConfigError
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
