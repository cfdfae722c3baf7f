"""A table of everything that people have: pictures as bytes, thousands of categories, dates, booleans, gaps.

One file, which is divided by customer, and further rows without a label; from `run` to the served model.
"""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from limbeck.components.example_gen.canonical import digest
from tests.integration.runs import PROJECT, run

pytestmark = [pytest.mark.pipeline, pytest.mark.processes, pytest.mark.long]
TASK = str(PROJECT / "docs" / "examples" / "pictures.py")
ROWS = 5200


def picture(colour: str, numbers: np.random.Generator) -> bytes:
    pixels = numbers.integers(0, 256, [6, 7, 3])
    pixels[..., 0 if colour == "blue" else 2] //= 2
    return bytes(tf.io.encode_png(pixels.astype(np.uint8)).numpy())


def table(rows: int, seed: int) -> pd.DataFrame:
    numbers = np.random.default_rng(seed)
    colours = numbers.choice(["red", "blue"], rows)
    gap = numbers.random(rows) < 0.1
    return pd.DataFrame(
        {
            "customer": [f"customer {one}" for one in numbers.integers(600, size=rows)],
            "picture": [picture(colour, numbers) for colour in colours],
            "shop": [f"shop {one}" for one in numbers.integers(4000, size=rows)],
            "day": [
                datetime.date(2026, 1, 1) + datetime.timedelta(int(one))
                for one in numbers.integers(200, size=rows)
            ],
            "open": numbers.random(rows) < 0.5,
            "price": np.where(gap, np.nan, numbers.lognormal(size=rows)),
            # pandas makes floats of integers that have a gap.
            "visits": np.where(gap, np.nan, numbers.integers(100, size=rows)),
            "colour": colours,
        }
    )


def test_everything_goes_from_one_file_to_the_served_model(tmp_path: Path):
    rows, more = table(ROWS, 0), table(300, 1)
    place = [digest({"customer": one}, ["customer"]) / 2**64 for one in rows["customer"]]
    expected = np.bincount(np.digitize(place, [0.6, 0.8]))
    # A row that is held out, again without its label.
    held_out = rows.iloc[[int(np.argmax(place))]].assign(customer=None)
    rows.to_parquet(tmp_path / "all.parquet")
    pd.concat([more, held_out]).drop(columns="colour").to_parquet(tmp_path / "more.parquet")
    known = [digest({"customer": one}, ["customer"]) / 2**64 < 0.6 for one in more["customer"]]

    done = run(
        TASK,
        tmp_path / "root",
        f"data.path={tmp_path}/all.parquet",
        f"data.unlabelled={tmp_path}/more.parquet",
        "distillation.search=false",
    )

    assert done.code == 0, done.output
    told = done.output
    for split, count in zip(("train", "validation", "test"), expected, strict=True):
        assert f"{split} has {count} of {ROWS} examples" in told
    assert f"data.unlabelled: {sum(known)} of 301 rows joined" in told
    assert "1 rows were left out, because their features equal" in told

    model = tf.saved_model.load(str(tmp_path / "root" / "serving" / "1"))
    fresh = table(64, 2)
    answers = model.signatures["serving_tensors"](
        picture=tf.constant(list(fresh["picture"])),
        shop=tf.constant(["never seen"] * 64),
        day=tf.constant([20600] * 64, tf.int64),
        open=tf.constant([1] * 64, tf.int64),
        price=tf.constant([1.0] * 64),
        visits=tf.constant([3] * 64, tf.int64),
    )
    given = np.array(["red", "blue"])[answers["class"].numpy()]
    assert (given == fresh["colour"]).mean() > 0.8
