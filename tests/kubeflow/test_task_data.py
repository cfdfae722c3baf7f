"""The data of a task, written as an output of a pipeline."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from limbeck.errors import TaskError
from limbeck.kubeflow import task_data
from limbeck.records import to_json
from limbeck.reference import TaskRef

TASK = """
from limbeck.task import Label, Task


def write(folder):
    (folder / "train").mkdir()
    (folder / "train" / "a.csv").write_text("height,label\\n1.5,0\\n")


TASK = Task(
    name="tiny",
    features=(),
    label=Label("label", classes=("no", "yes")),
    preprocessing_fn=dict,
    build_teacher=dict,
    build_student=dict,
    write_data=write,
)
"""


@dataclasses.dataclass(frozen=True)
class Given:
    """What KFP gives, and where it looks afterwards."""

    arguments: list[str]
    output: Path


def given(tmp_path: Path, name: str, source: str) -> Given:
    (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    output = tmp_path / "data"
    content: dict[str, Any] = {
        "inputs": {"parameterValues": {"task": to_json(TaskRef(name, search_path=str(tmp_path)))}},
        "outputs": {"artifacts": {"data": {"artifacts": [{"name": "data", "uri": str(output)}]}}},
    }
    return Given(["--node", "TaskData", "--target", "kubeflow", "--invocation", json.dumps(content)], output)


def test_the_data_are_in_the_output(tmp_path: Path):
    one = given(tmp_path, "tinytaskwithdata", TASK)
    task_data.run(one.arguments)

    assert [path.relative_to(one.output) for path in one.output.rglob("*.*")] == [Path("train/a.csv")]
    assert (one.output / "train" / "a.csv").read_text(encoding="utf-8") == "height,label\n1.5,0\n"


def test_a_task_without_data_is_named(tmp_path: Path):
    one = given(tmp_path, "tinytaskwithoutdata", TASK.replace("write_data=write", "write_data=None"))
    with pytest.raises(TaskError, match="task 'tiny' brings no data of its own"):
        task_data.run(one.arguments)
