"""Whatever a name holds stays text."""

from hypothesis import given
from hypothesis import strategies as st

from limbeck.report.charts import svg
from limbeck.report.charts.markers import key
from limbeck.report.charts.svg import Box
from limbeck.report.names import kinds
from tests.report.charts import drawing

# Without control characters, which no XML may hold and no page shows.
TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\ufffe\uffff"))
COORDINATE = st.floats(-100, 100)
BOXES = st.builds(lambda x, y, w, h: Box(x, y, x + w, y + h), *[COORDINATE] * 2, *[st.floats(0.1, 50)] * 2)


@given(TEXT, TEXT)
def test_texts_come_back_as_they_were(first: str, second: str):
    root = svg.picture("name", Box(0, 0, 10, 10), "title " + first, "words " + second)
    svg.add(root, "text", first, data_name=second)

    read = drawing.read(svg.markup(root))

    assert [element.text or "" for element in read] == ["title " + first, "words " + second, first]
    assert read[2].get("data-name") == second


def test_figures_are_short():
    root = svg.picture("name", Box(0, 0, 10, 10), "title", "words")
    svg.add(root, "circle", cx=1 / 3, cy=-1e-9, r=20.0)

    assert drawing.read(svg.markup(root))[2].attrib == {"cx": "0.33", "cy": "0", "r": "20"}


@given(BOXES, BOXES)
def test_boxes_meet_where_a_point_is_in_both(one: Box, other: Box):
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)

    assert one.meets(other) == other.meets(one) == (width > 0 and height > 0)


def test_a_long_text_is_cut():
    assert svg.shorten("abcdef", 6) == "abcdef"
    assert svg.shorten("abcdefg", 6) == "abcde…"


def test_each_kind_of_model_has_a_shape_of_its_own():
    drawn = {kind: key(kind) for kind in kinds()}

    shapes = {markup.replace(kind, "") for kind, markup in drawn.items()}
    assert len(shapes) == len(drawn)
