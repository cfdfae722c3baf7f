"""Which versions a folder has, and which are loaded."""

import pytest

from limbeck.server import versions


def test_only_numbered_folders_with_a_model_are_versions(tmp_path):
    for name in ("1", "007", "12", ".limbeck", "new", "3.5"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "20").mkdir()
    assert sorted(versions.found(tmp_path)) == [1, 7, 12]


@pytest.mark.parametrize("text", ["", "²", "٣", "-1", "1_0", " 1", "1.0", "9" * 19, "9" * 5000])
def test_no_other_text_is_a_number(text: str):
    """`'²'.isdigit()` is true, and `int` refuses it: a header of that kind was a fault of the server."""
    assert versions.whole_number(text) is None


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert versions.found(tmp_path / "nowhere") == {}
    (tmp_path / "file").touch()
    assert versions.found(tmp_path / "file" / "serving") == versions.found(tmp_path / "file") == {}


def test_the_newest_are_loaded():
    assert versions.wanted({1, 12, 7}, 2) == (12, 7)
    assert versions.wanted((), 2) == ()
