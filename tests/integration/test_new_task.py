"""The two commands of docs/your-table.md, on tables that no rule was written for, beside a random forest."""

import re
from pathlib import Path

import pytest
import tensorflow as tf

from benchmarks.tables import forest
from benchmarks.tables.data import LABEL, TABLES
from limbeck.cli.new_task import writing
from limbeck.reference import TaskRef
from tests.cli.new_task import tables
from tests.integration.runs import Finished, run

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.release]


def of_new_task(folder: Path, data: Path, label: str, name: str) -> Finished:
    """Writes a task, and runs it as it is. Returns how the run ended."""
    file, _ = writing.write(folder / f"{name}.py", str(data), "csv", label)
    return run(str(file), folder / "root")


def forest_of(folder: Path, report: dict, name: str) -> float:
    """Returns the measure of a forest on the rows of the run."""
    [examples] = (folder / "root" / "pipeline" / "ExampleGen" / "examples").iterdir()
    return forest.measure(TaskRef(name, search_path=str(folder)).load(), examples, report["measure"]["key"], 0)


def test_a_table_of_all_sorts_is_learnt_as_well_as_by_a_forest(tmp_path: Path):
    """Twelve classes, of which the first has a third of the rows; odd names, gaps, columns that tell nothing."""
    data = tables.odd(tmp_path, 12, 3000, shares=[0.34, *[0.06] * 11])
    done = of_new_task(tmp_path, data, "target", "odd_table")
    assert done.code in {0, 3}, done.output
    models = done.report["models"]
    trees = forest_of(tmp_path, done.report, "odd_table")
    assert models["teacher"]["metrics"]["accuracy"] > trees - 0.03
    assert models["student"]["metrics"]["accuracy"] > trees - 0.10
    if done.code == 0:
        served(tmp_path / "root" / "serving" / "1", tables.ODD_NAME)


def served(folder: Path, odd: str) -> None:
    model = tf.saved_model.load(str(folder))
    names = model.signatures["serving_tensors"].structured_input_signature[1]
    assert f"feature_{odd.encode().hex()}" in names
    text = {tf.string: [b"Rome"], tf.float32: [0.5]}
    answer = model.signatures["serving_tensors"](
        **{name: tf.constant(text[spec.dtype], spec.dtype) for name, spec in names.items()}
    )
    assert answer["probabilities"].shape == (1, 12)


def test_numbers_are_learnt_as_well_as_by_a_forest(tmp_path: Path):
    TABLES["diabetes"](tmp_path / "data.csv")
    done = of_new_task(tmp_path, tmp_path / "data.csv", LABEL, "number_task")
    assert done.code in {0, 3}, done.output
    assert re.search(r"R²", done.output)
    models = done.report["models"]
    key = done.report["measure"]["key"]
    trees = forest_of(tmp_path, done.report, "number_task")
    assert models["teacher"]["metrics"][key] > trees - 0.1
    assert models["student"]["metrics"][key] > trees - 0.2
