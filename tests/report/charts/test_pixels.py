"""Paints the paths back, and compares with the picture."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.report.charts import pixels
from tests.report.charts import drawing

RUN = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def painted(markup: str) -> np.ndarray:
    """The picture, 0 to 1, as the paths paint it."""
    root = drawing.read(markup)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    canvas = np.zeros((int(height), int(width)))
    for path in root.iter("path"):
        assert RUN.sub("", path.attrib["d"]) == ""
        for x, y, run, back in RUN.findall(path.attrib["d"]):
            assert run == back
            canvas[int(y), int(x) : int(x) + int(run)] = int(path.attrib["fill"][1:3], 16) / 255
    return canvas


@given(
    st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.floats(0, 1), min_size=n, max_size=n), min_size=1))
)
def test_every_pixel_has_the_nearest_grey(rows: list[list[float]]):
    assert painted(pixels.pixels("name", "title", rows[:32])) == pytest.approx(
        np.array(rows[:32]), abs=0.5 / 16 + 0.002
    )


def test_a_run_of_equal_pixels_is_one_step_of_a_path():
    markup = pixels.pixels("name", "title", [[0.0, 1.0, 1.0, 0.0, 1.0]])

    assert RUN.findall(markup) == [("1", "0", "2", "2"), ("4", "0", "1", "1")]


def test_brightness_out_of_range_is_drawn_as_the_nearest():
    assert painted(pixels.pixels("name", "title", [[-3.0, 7.0]])).tolist() == [[0.0, 1.0]]


def test_a_large_picture_is_made_smaller_by_means():
    large = np.random.default_rng(0).random((64, 96))

    small = np.array(pixels.reduce(large.tolist()))

    assert small.shape == (22, 32)
    assert small[:21] == pytest.approx(large[:63].reshape(21, 3, 32, 3).mean(axis=(1, 3)))
    assert small[21] == pytest.approx(large[63:].reshape(1, 1, 32, 3).mean(axis=(1, 3))[0])
