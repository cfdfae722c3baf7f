"""Same data, same result: what docs/determinism.md promises, on whole runs in fresh folders."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.integration.one_run.base import Base
from tests.integration.runs import PROJECT, SHORT, Finished, run, weights

pytestmark = [pytest.mark.pipeline, pytest.mark.long]


def transformed(root: Path, split: str) -> dict[str, dict[str, list[Any]]]:
    """The transformed examples of one split, by id."""
    import tensorflow as tf

    examples = {}
    for path in (root / "pipeline" / "Transform" / "transformed_examples").glob(f"*/Split-{split}/*"):
        for record in tf.data.TFRecordDataset(str(path), compression_type="GZIP"):
            features = tf.train.Example.FromString(record.numpy()).features.feature
            values = {
                name: list(getattr(feature, feature.WhichOneof("kind")).value)
                for name, feature in features.items()
            }
            examples[values.pop("example_id")[0].decode()] = values
    return examples


def rewritten(source: Path, folder: Path) -> None:
    """The same digits in another order, cut into three files, one of them compressed."""
    import tensorflow as tf

    for split in ("train", "validation", "test"):
        records = [record.numpy() for record in tf.data.TFRecordDataset(str(source / split / "digits.tfrecord"))]
        random.Random(split).shuffle(records)
        (folder / split).mkdir(parents=True)
        for part in range(3):
            compression = "GZIP" if part == 1 else ""
            path = folder / split / f"part-{part}.tfrecord{'.gz' if part == 1 else ''}"
            with tf.io.TFRecordWriter(str(path), compression) as writer:
                for record in records[part::3]:
                    writer.write(record)


def assert_equal_runs(base: Path, other: Path) -> None:
    for split in ("train", "validation", "test"):
        assert transformed(base, split) == transformed(other, split)
    for node in ("TeacherTrainer", "Distiller"):
        pairs = list(zip(weights(base, node, first=True), weights(other, node), strict=True))
        assert len(pairs) >= 4
        for left, right in pairs:
            np.testing.assert_array_equal(left, right)


def test_order_files_and_beam_workers_do_not_matter(base: Base, tmp_path: Path) -> None:
    """In a fresh folder, so ExampleGen shuffles otherwise as well: the order of its files differs from run to run."""
    [source] = (base.root / "data").glob("*")
    rewritten(source, tmp_path / "data")
    again = run("digits", tmp_path / "root", *SHORT, f"data.path={tmp_path / 'data'}", "beam.workers=2")
    assert again.code == 0, again.output
    assert_equal_runs(base.root, tmp_path / "root")


def shuffled_csv(source: Path, folder: Path) -> None:
    for path in source.glob("*/*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        random.Random(path.parent.name).shuffle(rows)
        (folder / path.parent.name).mkdir(parents=True)
        for part in range(2):
            target = folder / path.parent.name / f"part-{part}.csv"
            with target.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *rows[part::2]])


def run_wine(root: Path, data: Path) -> Finished:
    """The worked example of docs/your-task.md, with the settings and the command of that page."""
    return run(str(PROJECT / "docs" / "examples" / "wine.py"), root, f"data.path={data}")


def assert_as_on_the_page(models: dict[str, Any]) -> None:
    """Weights, and accuracy to two of the 35 test examples: other processors round differently."""
    page = (PROJECT / "docs" / "your-task.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| ([0-9.]+)% \| ([0-9,]+) \|$", page, re.MULTILINE)
    assert {name: int(weights.replace(",", "")) for name, _, weights in rows} == {
        name: facts["parameters"] for name, facts in models.items()
    }
    for name, accuracy, _ in rows:
        assert models[name]["metrics"]["accuracy"] == pytest.approx(float(accuracy) / 100, abs=0.06), name


@pytest.fixture(scope="module")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run, `root-one`, and of its data, `one`."""
    from docs.examples import wine_data

    folder = tmp_path_factory.mktemp("wine")
    wine_data.write(folder / "one")
    done = run_wine(folder / "root-one", folder / "one")
    assert done.code == 0, done.output
    return folder


def test_the_worked_example_gives_the_figures_of_its_page(wine: Path) -> None:
    assert_as_on_the_page(json.loads((wine / "root-one" / "report.json").read_text(encoding="utf-8"))["models"])


@pytest.mark.release
def test_rows_of_a_csv_in_another_order(wine: Path) -> None:
    """Equal ids; mean and deviation, which an analyzer sums in another order, agree to a relative 1e-6."""
    from docs.examples.wine import MEASUREMENTS

    shuffled_csv(wine / "one", wine / "other")
    done = run_wine(wine / "root-other", wine / "other")
    assert done.code == 0, done.output
    assert_as_on_the_page(done.report["models"])
    with (wine / "one" / "train" / "wine.csv").open(newline="", encoding="utf-8") as file:
        raw = np.array([[row[name] for name in MEASUREMENTS] for row in csv.DictReader(file)], np.float64)
    offsets = np.abs(raw.mean(axis=0)) / raw.std(axis=0)
    for split in ("train", "validation", "test"):
        one, other = (transformed(wine / f"root-{name}", split) for name in ("one", "other"))
        assert one.keys() == other.keys()
        for key, values in one.items():
            assert values["label"] == other[key]["label"]
            scores = zip(offsets, values["measurements"], other[key]["measurements"], strict=True)
            for offset, left, right in scores:
                # What a relative 1e-6 of mean and deviation makes of a score (x - mean) / deviation.
                assert abs(left - right) <= 1e-6 * (2 * offset + 2 * abs(left) + 1)
