"""Labels beside their points, and none over another."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from limbeck.report.charts import labels
from limbeck.report.charts.svg import Box, width

AREA = Box(46, 28, 350, 214)
POINTS = st.tuples(st.floats(60, 340), st.floats(40, 200))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=18)


def test_a_lonely_point_has_its_label_to_the_right():
    (place,) = labels.places([(100.0, 100.0)], ["student"], AREA)

    assert place is not None
    assert (place.x, place.y, place.anchor) == (109.0, 100.0, "start")
    assert place.box.right - place.box.left == width("student")


def test_near_the_right_edge_the_label_stands_to_the_left():
    (place,) = labels.places([(340.0, 100.0)], ["teacher"], AREA)

    assert place is not None
    assert (place.x, place.anchor) == (331.0, "end")


def test_points_in_a_column_have_their_labels_in_its_order():
    found = labels.places([(100.0, 104.0), (100.0, 98.0), (100.0, 101.0)], ["third", "first", "second"], AREA)

    heights = [place.y for place in found if place is not None]
    assert heights[1] < heights[2] < heights[0]


@given(st.lists(st.tuples(POINTS, TEXTS), min_size=1, max_size=4))
def test_four_labels_always_find_places_that_are_free(models: list[tuple[tuple[float, float], str]]):
    points, texts = [point for point, _ in models], [text for _, text in models]

    found = labels.places(points, texts, AREA)

    boxes = [place.box for place in found if place is not None]
    assert len(boxes) == len(models)
    assert all(box.within(AREA) for box in boxes)
    assert not any(one.meets(other) for one, other in itertools.combinations(boxes, 2))
    assert not any(box.left < x < box.right and box.top < y < box.bottom for box in boxes for x, y in points)


def test_what_is_taken_stays_free():
    taken = Box(105, 80, 200, 120)

    (place,) = labels.places([(100.0, 100.0)], ["student"], AREA, [taken])

    assert place is not None
    assert not place.box.meets(taken)


def test_a_label_without_a_place_is_left_out():
    assert labels.places([(100.0, 100.0)], ["student"], AREA, [AREA]) == (None,)
