"""Rows of a DataFrame as examples, without Spark; `tests/components/mapping/test_spark.py` runs it on a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import limbeck
from limbeck.components.bulk_scoring.student_udf import RawFeature, example_of, features_of, student_udf
from limbeck.errors import ConfigError, DataError, UserError
from tests.components.bulk_scoring.model import write_model
from tests.components.world import World
from tests.components.world import features_of as plain

FEATURES = (RawFeature("size", "number"), RawFeature("count", "integer"), RawFeature("colour", "text"))


def row(**changes: Any) -> dict[str, Any]:
    return {"size": 2.5, "count": np.int64(3), "colour": "grün"} | changes


def test_a_row_becomes_an_example():
    assert plain(example_of(row(), FEATURES)) == {"size": [2.5], "count": [3], "colour": ["grün".encode()]}
    several = row(size=np.array([1.0, 2.0], np.float32), count=3.0, colour=b"raw")
    assert plain(example_of(several, FEATURES)) == {"size": [1.0, 2.0], "count": [3], "colour": [b"raw"]}


def test_a_null_is_a_missing_feature():
    assert plain(example_of(row(size=np.nan, count=np.nan, colour=None), FEATURES)) == {}


@pytest.mark.parametrize("change", [{"size": "large"}, {"count": 1.5}, {"count": "3"}, {"colour": 7}])
def test_a_value_of_another_kind_is_named(change: dict[str, Any]):
    [name] = change
    with pytest.raises(DataError, match=f"the student takes '{name}' as .*: cast the column"):
        example_of(row(**change), FEATURES)


def test_features_are_those_of_the_student(world: World, tmp_path: Path):
    model = tf.saved_model.load(f"{world.models['student'].uri}/Format-Serving")
    assert features_of(model, "") == (RawFeature("colour", "text"), RawFeature("size", "number"))
    with pytest.raises(ConfigError, match="has no signature 'serving_tensors'"):
        features_of(tf.saved_model.load(write_model(tmp_path / "model")), "model")


def test_what_was_not_pushed_is_told(tmp_path: Path):
    assert limbeck.student_udf is student_udf
    with pytest.raises(UserError, match="there is no student in"):
        student_udf(None, str(tmp_path))
    write_model(tmp_path / "serving" / "3")
    with pytest.raises(UserError, match=r"there is no version 2 in .*: there are 3"):
        student_udf(None, str(tmp_path), 2)
