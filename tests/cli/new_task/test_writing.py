"""`tasks new` as far as its files: they are imported again, and hold what the table is."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import yaml
from sklearn.datasets import load_wine

from limbeck.cli import settings
from limbeck.cli.new_task import reading, source, writing
from limbeck.components.comparison.score_bound import lower_bound
from limbeck.errors import ConfigError, DataError
from limbeck.reference import TaskRef
from limbeck.task import Task
from tests.cli import program
from tests.cli.new_task import tables


def new(folder: Path, data: Path, label: str, format: str = "csv", name: str = "my_task") -> Task:
    """Writes a task, and imports it again."""
    folder.mkdir(exist_ok=True)
    file, _ = writing.write(folder / f"{name}.py", str(data), format, label)
    return reference(file).load()


def reference(file: Path) -> TaskRef:
    return TaskRef(file.stem, search_path=str(file.parent))


def wine(kind: str = "text") -> pd.DataFrame:
    data = load_wine(as_frame=True)
    names = ["barolo", "grignolino", "barbera"]
    return data.data.assign(cultivar=data.target.map(lambda one: names[one]) if kind == "text" else data.target)


def test_a_table_of_all_sorts_becomes_a_task(tmp_path):
    file, beside = writing.write(tmp_path / "odd_task.py", str(tables.odd(tmp_path, 5, 600)), "csv", "target")
    task = reference(file).load()
    kinds = {feature.name: feature.kind for feature in task.features}
    assert kinds == {
        tables.ODD_NAME: "number", **{f"x {one}": "number" for one in range(1, 10)}, "shop": "number",
        "gappy": "number", "Город": "text", "examples of it": "text",
    }  # fmt: skip
    assert (task.name, task.label.classes, task.label.kind) == ("odd-task", ("1", "2", "3", "4", "5"), "text")
    assert task.build_teacher({}).output_shape == task.build_student({}).output_shape == (None, 5)
    text = file.read_text()
    assert '"shop" (6 different whole numbers)' in text
    for told in ('"id" (counts the rows)', '"empty" (no row has a value)', '"constant" (always always)'):
        assert told in text
    assert len(text.splitlines()) < 45
    assert max(map(len, text.splitlines())) <= 120
    config = settings.load(reference(file), None, [])
    assert (config.data.format, config.data.split) == ("csv", "0.8/0.1/0.1")
    assert Path(config.data.path) == tmp_path / "odd.csv"
    assert yaml.safe_load(beside.read_text())["training"]["epochs"] == config.training.epochs


def test_a_task_of_its_own_is_short(tmp_path):
    wine().to_csv(tmp_path / "wine.csv", index=False)
    writing.write(tmp_path / "my_wine.py", str(tmp_path / "wine.csv"), "csv", "cultivar")
    assert len((tmp_path / "my_wine.py").read_text().splitlines()) < 40


@pytest.mark.parametrize("kind", ["text", "integer"])
def test_the_three_formats_agree(tmp_path, kind):
    frame = wine(kind)
    frame.to_csv(tmp_path / "wine.csv", index=False)
    frame.to_parquet(tmp_path / "wine.parquet")
    with tf.io.TFRecordWriter(str(tmp_path / "wine.tfrecord")) as writer:
        for record in frame.to_dict("records"):
            writer.write(example(record).SerializeToString())
    made = [
        new(tmp_path / format, tmp_path / f"wine.{format}", "cultivar", format, f"{format}_{kind}")
        for format in ("csv", "parquet", "tfrecord")
    ]
    assert made[0].label == made[1].label == made[2].label
    # The features of a tf.Example have no order.
    assert set(made[0].features) == set(made[2].features) or kinds(made[0]) == kinds(made[2])
    assert kinds(made[0]) == kinds(made[1])


def kinds(task: Task) -> dict[str, str]:
    return {feature.name: feature.kind for feature in task.features}


def example(record: dict) -> tf.train.Example:
    def feature(value) -> tf.train.Feature:
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    return tf.train.Example(features=tf.train.Features(feature={k: feature(v) for k, v in record.items()}))


def test_folders_that_are_splits_stay_splits(tmp_path):
    for split in ("train", "validation", "test"):
        (tmp_path / "data" / split).mkdir(parents=True)
        wine().to_csv(tmp_path / "data" / split / "wine.csv", index=False)
    file, _ = writing.write(tmp_path / "split_task.py", str(tmp_path / "data"), "csv", "cultivar")
    assert settings.load(reference(file), None, []).data.split is None
    assert reading.read([str(tmp_path / "data" / "train" / "wine.csv")], "csv", "utf-8").rows == 178


def test_texts_of_the_table_cannot_become_code(tmp_path):
    hostile = ['""" + open("/etc/passwd").read() + """', "a\\", "b\nimport os", "'); raise SystemExit(3)  #"]
    records = [[hostile[one % 4], hostile[(one + 1) % 4], "x" if one % 3 else hostile[0]] for one in range(80)]
    data = tables.write(tmp_path / "hostile.csv", [hostile[0], hostile[2], "constant\\"], records)
    writing.write(tmp_path / "hostile_task.py", str(data), "csv", hostile[0])
    tree = ast.parse((tmp_path / "hostile_task.py").read_text())
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called <= {"Table", "Task", "Label", "TABLE.preprocess", "TABLE.teacher", "TABLE.student", "len"}
    assert reference(tmp_path / "hostile_task.py").load().label.classes == tuple(sorted(hostile))


@pytest.mark.parametrize(
    ("name", "label", "message"),
    [
        ("My Task.py", "target", "a name that Python can import.*My Task.py"),
        ("my_task", "target", "such as my_task.py; received my_task"),
        ("numbers.py", "target", "Python has a module numbers"),
        ("taken.py", "target", "writes no file over another, but .*taken.py exists"),
        ("free.py", "targett", "Did you mean 'target'"),
    ],
)
def test_a_mistake_leaves_nothing_behind(tmp_path, name, label, message):
    (tmp_path / "taken.py").write_text("mine")
    data = tables.odd(tmp_path, 2, 60)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigError, match=message):
        writing.write(tmp_path / name, str(data), "csv", label)
    assert sorted(tmp_path.iterdir()) == before


def test_other_data_are_refused_with_what_they_are(tmp_path):
    wine().to_parquet(tmp_path / "wine.parquet")
    with pytest.raises(ConfigError, match="looks like parquet"):
        writing.write(tmp_path / "a.py", str(tmp_path / "wine.parquet"), "csv", "cultivar")
    with pytest.raises(ConfigError, match="there is no such file or folder"):
        writing.write(tmp_path / "a.py", str(tmp_path / "none.csv"), "csv", "cultivar")
    tables.write(tmp_path / "header.csv", ["a", "b"], [])
    with pytest.raises(DataError, match=r"header\.csv has none"):
        writing.write(tmp_path / "a.py", str(tmp_path / "header.csv"), "csv", "b")


@pytest.mark.processes
def test_the_command_says_what_to_do_next(tmp_path):
    data = tables.odd(tmp_path, 3, 200)
    done = program.run("tasks", "new", tmp_path / "my_task.py", "--csv", data, "--label", "target")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"run --task {tmp_path / 'my_task.py'} --root runs/my_task" in done.stdout
    again = program.run("tasks", "new", tmp_path / "my_task.py", "--csv", data, "--label", "target")
    assert again.returncode == 2
    assert again.stderr.startswith("error: tasks new writes no file over another")


def test_each_kind_of_label_becomes_a_task(tmp_path):
    frame = wine("integer").assign(is_barolo=lambda one: one.cultivar == 0, heavy=lambda one: one.proline > 750)
    frame = frame.astype({"is_barolo": int, "heavy": int})
    frame.to_csv(tmp_path / "wine.csv", index=False)
    for label, objective in (
        ("is_barolo", "binary"), ("is_barolo,heavy", "multi_label"), ("alcohol", "regression"), ("cultivar", "classes"),
    ):  # fmt: skip
        task = new(tmp_path, tmp_path / "wine.csv", label, name=f"of_{objective}")
        assert task.label.objective == objective
        assert task.build_student({}).output_shape == (None, task.objective.outputs)
        assert not {feature.name for feature in task.features} & set(task.objective.raw_features)
    text = (tmp_path / "of_regression.py").read_text()
    assert f"SCALE = Scale(mean={frame.alcohol.mean():.4g}, deviation={frame.alcohol.std(ddof=0):.4g})" in text


@pytest.mark.parametrize("place", ["missing/a.py", "file.csv/a.py"])
def test_a_folder_that_cannot_be_written_is_told_before_the_data_are_read(tmp_path, place):
    (tmp_path / "file.csv").write_text("not read")
    with pytest.raises(ConfigError, match=r"a folder that exists and can be written, which .* cannot"):
        writing.write(tmp_path / place, str(tmp_path / "file.csv"), "csv", "y")


def test_an_empty_folder_and_another_delimiter_are_told(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"--csv takes .*empty: the folder holds no file"):
        writing.write(tmp_path / "a.py", str(tmp_path / "empty"), "csv", "y")
    (tmp_path / "tabs.csv").write_text("x\ty\n" + "1\t2\n3\t4\n" * 20)
    with pytest.raises(DataError, match=r"whose name has tabs: .*\. Write the table with commas"):
        writing.write(tmp_path / "a.py", str(tmp_path / "tabs.csv"), "csv", "y")


def test_nan_is_refused_as_the_run_would(tmp_path):
    rows = [[one, 2 * one, "ab"[one % 2]] for one in range(50)]
    data = tables.write(tmp_path / "nan.csv", ["x", "weight", "y"], [*rows, [51, "NaN", "a"]])
    with pytest.raises(DataError, match=r"column 'weight' holds NaN.*an empty field"):
        writing.write(tmp_path / "a.py", str(data), "csv", "y")


def test_another_encoding_is_read_and_stays_in_the_settings(tmp_path):
    rows = [[one, ["été", "hiver"][one % 2], "ab"[one % 2]] for one in range(50)]
    text = "\n".join(",".join(map(str, row)) for row in [["x", "saison", "y"], *rows])
    (tmp_path / "french.csv").write_bytes(text.encode("latin-1"))
    file, _ = writing.write(tmp_path / "french.py", str(tmp_path / "french.csv"), "csv", "y", "latin-1")
    assert settings.load(reference(file), None, []).data.encoding == "latin-1"
    with pytest.raises(DataError, match="`tasks new` takes --encoding"):
        writing.write(tmp_path / "b.py", str(tmp_path / "french.csv"), "csv", "y")


def test_a_file_that_cannot_be_written_leaves_no_other(tmp_path):
    """A full disk shows itself only when a file is written; here /proc takes no file, whoever asks."""
    data = tables.odd(tmp_path, 2, 60)
    with pytest.raises(ConfigError, match=r"cannot be written: .*give another path"):
        writing.write(Path("/proc/a.py"), str(data), "csv", "target")


@pytest.mark.parametrize("rows", [100, 150, 500, 1_000, 100_000])
def test_the_tolerance_of_a_new_task_is_one_that_its_test_split_can_prove(rows: int):
    """Of a student that misses two examples more than its teachers, wherever the whole split proves anything."""
    text = source.settings("/data/table.csv", "csv", "utf-8", None, rows)
    tolerance = yaml.safe_load(text)["gate"]["tolerance"]
    examples = rows // 10
    student = np.ones(examples)
    student[:2] = 0

    low = lower_bound(student, np.ones(examples))

    assert 0.05 <= tolerance <= 1
    assert -low <= tolerance <= max(0.05, -1.4 * low)


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("label", "told"),
    [("cultivarr", "Did you mean 'cultivar'?"), ("cultivar,cultivar", "--label names each column once")],
)
def test_a_misspelt_label_does_not_wait_for_tensorflow(tmp_path: Path, format: str, label: str, told: str):
    data = tmp_path / f"wine.{format}"
    wine().to_csv(data, index=False) if format == "csv" else wine().to_parquet(data)
    arguments = ("tasks", "new", tmp_path / "my_task.py", f"--{format}", data, "--label", label)

    done = program.run(*arguments, options=("-X", "importtime"))

    assert done.returncode == 2
    assert told in done.stderr
    assert "tensorflow" not in {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert list(tmp_path.iterdir()) == [data]


def test_a_remark_holds_nothing_that_source_code_must_not():
    """A column of bytes that are always zero was named in a comment, and Python refused the whole task."""
    [line] = source._comments(["Left out: 'key' (always \0\0)."])
    compile(line, "task.py", "exec")
