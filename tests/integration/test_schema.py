"""Data that change from run to run, in one run folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runs import NEVER_CACHED, Finished, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

SHORT = (
    "strategy.name=one_device",
    "training.epochs=1",
    "teachers.count=1",
    "teachers.epochs=1",
    "distillation.search=false",
    "controls=false",
)
LENIENT = ("gate.tolerance=1.0",)
INGESTION = {"ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "AnomalyStop"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits, as a user keeps them."""
    from limbeck.tasks.digits import data

    folder = tmp_path_factory.mktemp("data") / "digits"
    folder.mkdir()
    data.write(folder)
    return folder


def changed(data: Path, name: str, change: Callable[[Any], None]) -> Path:
    """A copy of the data, each feature map of which was changed."""
    import tensorflow as tf

    folder = data.with_name(name)
    shutil.copytree(data, folder)
    for path in folder.rglob("*.tfrecord"):
        examples = [tf.train.Example.FromString(one.numpy()) for one in tf.data.TFRecordDataset(str(path))]
        with tf.io.TFRecordWriter(str(path)) as writer:
            for example in examples:
                change(example.features.feature)
                writer.write(example.SerializeToString(deterministic=True))
    return folder


def scanned_anew(features: Any) -> None:
    """The pixels from 0 to 1, and a feature more."""
    pixels = features["pixels"].float_list.value
    pixels[:] = [value / 16 for value in pixels]
    features["scanner"].bytes_list.value.append(b"new")


def without_label(features: Any) -> None:
    del features["digit"]


def notes(root: Path) -> list[str]:
    lines = (root / "logs" / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [event["text"] for event in map(json.loads, lines) if event["event"] == "note"]


def test_other_data_are_refused_until_they_are_accepted(data: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"

    def again(folder: Path, *options: str) -> Finished:
        return run("digits", root, *SHORT, *LENIENT, f"data.path={folder}", options=options)

    def accepted() -> dict[str, bytes]:
        folder = root / "accepted"
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    first = again(data)
    assert first.code == 0, first.output
    assert notes(root)[0].startswith("no baseline: ")
    assert "no baseline: " in first.output

    identical = again(data)
    assert identical.code == 0, identical.output
    assert identical.computed == NEVER_CACHED
    # AnomalyStop is never cached, and accepts the same data once more.
    kept = accepted()

    other = changed(data, "scanned-anew", scanned_anew)
    refused = again(other)
    assert refused.code == 2, refused.output
    assert refused.computed <= INGESTION
    error = refused.report["error"]
    assert "split 'train', feature 'scanner': New column" in error
    assert "feature 'pixels': drifted from the data accepted last: Jensen-Shannon divergence 0." in error
    assert "--accept-schema" in error
    assert accepted() == kept

    replaced = again(other, "--accept-schema")
    assert replaced.code == 0, replaced.output
    assert "accepted schema replaced: feature 'scanner' added: BYTES" in replaced.output
    assert "AnomalyStop" in replaced.computed
    assert accepted() != kept

    after = again(other)
    assert after.code == 0, after.output
    assert after.computed == NEVER_CACHED

    back = again(data)
    assert back.code == 2, back.output
    assert "feature 'scanner': Column dropped" in back.report["error"]

    lacking = again(changed(other, "without-label", without_label), "--accept-schema")
    assert lacking.code == 2, lacking.output
    assert "feature 'digit': declared by the task, but not in the data" in lacking.report["error"]
