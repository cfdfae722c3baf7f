"""Files scored by Beam, against one call of the model for all rows."""

from __future__ import annotations

import csv
import dataclasses
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.bulk_scoring.scoring import score
from limbeck.errors import ConfigError, DataError
from limbeck.settings.beam import BeamConfig
from tests.components.bulk_scoring.model import SOURCE, write_model, write_task

FLAGS = BeamConfig().flags()
NO_PAIR = SOURCE.replace('        Feature("pair", "number", shape=(2,)),\n', "")
COLOURS = ("", "red", "green", "grün, dunkel")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> ScoringJob:
    """Of CSV files that are not there yet."""
    folder = tmp_path_factory.mktemp("scored")
    ref = write_task(folder, NO_PAIR)
    return ScoringJob(ref, write_model(folder / "model"), "", "csv", "utf-8", "", ("id",))


def rows_of(count: int) -> list[dict[str, Any]]:
    chance = random.Random(7)
    return [
        {
            "id": f"row {number}",
            "size": chance.choice([0.5, 3, -2.25]) * number,
            "count": chance.choice(["", 0, 41]),
            "colour": chance.choice(COLOURS),
            "left out": "x",
        }
        for number in range(count)
    ]


def write_csv(folder: Path, rows: list[dict[str, Any]], files: int = 2) -> str:
    folder.mkdir()
    for part in range(files):
        with (folder / f"part-{part}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows[part::files])
    return str(folder)


def expected(model: str, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """One call of the model with examples that are made here."""
    import tensorflow as tf

    examples = []
    for row in rows:
        features = {"size": tf.train.Feature(float_list=tf.train.FloatList(value=[float(row["size"])]))}
        if row["count"] != "":
            features["count"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[row["count"]]))
        if row["colour"]:
            features["colour"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["colour"].encode()]))
        examples.append(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    answers = tf.saved_model.load(model).signatures["serving_default"](tf.constant(examples))
    return {name: values.numpy() for name, values in answers.items()}


def written(output: str) -> list[dict[str, Any]]:
    import pyarrow.parquet

    return pyarrow.parquet.read_table(output).to_pylist()


def test_every_row_has_the_answer_of_the_model(job: ScoringJob, tmp_path: Path):
    rows = rows_of(700)
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows), output=str(tmp_path / "answers"))
    assert score(given, FLAGS) == 700

    answers = expected(job.model, rows)
    by_id = {row["id"]: row for row in written(given.output)}
    assert list(next(iter(by_id.values()))) == ["place", "id", "class", "logits", "name"]
    assert len(by_id) == 700
    for index, row in enumerate(rows):
        found = by_id[row["id"]]
        np.testing.assert_allclose(found["logits"], answers["logits"][index], rtol=1e-6)
        assert (found["class"], found["name"]) == (answers["class"][index], answers["name"][index].decode())
        assert found["place"] == f"{tmp_path}/data/part-{index % 2}.csv:{2 + index // 2}"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_records_and_parquet_give_what_csv_gives(job: ScoringJob, tmp_path: Path):
    import pandas as pd
    import tensorflow as tf

    rows = [row | {"count": row["count"] or 7} for row in rows_of(20)]
    numbered = pd.DataFrame(rows).assign(colour=lambda table: table["colour"].replace("", "none"))
    numbered.to_parquet(tmp_path / "rows.parquet")
    with tf.io.TFRecordWriter(str(tmp_path / "rows.tfrecord")) as writer:
        for row in numbered.to_dict("records"):
            features = {
                "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["id"].encode()])),
                "size": tf.train.Feature(float_list=tf.train.FloatList(value=[row["size"]])),
                "count": tf.train.Feature(int64_list=tf.train.Int64List(value=[row["count"]])),
                "colour": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["colour"].encode()])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    found = []
    for format in ("parquet", "tfrecord"):
        given = dataclasses.replace(
            job, format=format, data=f"{tmp_path}/rows.{format}", output=f"{tmp_path}/{format}-answers"
        )
        assert score(given, FLAGS) == 20
        found.append(sorted(({**row, "place": ""} for row in written(given.output)), key=lambda row: row["id"]))
    assert found[0] == found[1]
    answers = expected(job.model, [row | {"colour": row["colour"] or "none"} for row in rows])
    by_id = {row["id"]: row["class"] for row in found[0]}
    assert [by_id[row["id"]] for row in rows] == answers["class"].tolist()


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"size": ""}, r"part-0\.csv:3: there is no value of 'size', and the task gives this feature no default"),
        ({"size": "large"}, r"column 'size': the task declares it as number, but .*part-0\.csv:3 holds text"),
        ({"count": "1.5"}, r"column 'count': the task declares it as integer"),
    ],
    ids=["missing", "text", "fraction"],
)
def test_a_wrong_row_is_named_and_nothing_is_written(
    job: ScoringJob, change: dict[str, Any], wrong: str, tmp_path: Path
):
    rows = rows_of(4)
    rows[2] |= change
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows), output=str(tmp_path / "answers"))
    with pytest.raises(DataError, match=wrong):
        score(given, FLAGS)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_missing_column_is_named(job: ScoringJob, tmp_path: Path):
    rows = [{"sise": row["size"], "id": row["id"]} for row in rows_of(3)]
    given = dataclasses.replace(job, data=write_csv(tmp_path / "data", rows), output=str(tmp_path / "answers"))
    with pytest.raises(DataError, match=r"has no column 'size', which the model needs\. Did you mean 'sise'\?"):
        score(given, FLAGS)
    other = dataclasses.replace(given, data=write_csv(tmp_path / "other", rows_of(3)), keep=("identity",))
    with pytest.raises(DataError, match=r"there is no column 'identity' to keep"):
        score(other, FLAGS)


def test_names_that_meet_are_refused(job: ScoringJob, tmp_path: Path):
    data = write_csv(tmp_path / "data", rows_of(3))
    given = dataclasses.replace(job, data=data, output=str(tmp_path / "answers"), keep=("class",))
    with pytest.raises(ConfigError, match="--keep names 'class', and the model's answers have that name"):
        score(given, FLAGS)
    for keep in (("place",), ("id", "id")):
        with pytest.raises(ConfigError, match="each column of the answers has a name of its own"):
            dataclasses.replace(job, keep=keep)
    with pytest.raises(ConfigError, match="OUT must be a new folder"):
        score(dataclasses.replace(given, output=str(tmp_path), keep=()), FLAGS)
