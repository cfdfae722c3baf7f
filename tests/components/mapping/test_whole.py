"""Files that appear whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from limbeck import files
from limbeck.components.mapping import whole


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("results", "scratch"):
        (tmp_path / name).mkdir()
    return tmp_path / "results", tmp_path / "scratch"


def test_a_file_appears_at_the_end(places: tuple[Path, Path]):
    results, scratch = places
    with whole.written(str(results / "a"), str(scratch)) as path:
        Path(path).write_text("half", encoding="utf-8")
        assert list(results.iterdir()) == []
    assert (results / "a").read_text(encoding="utf-8") == "half"
    assert list(scratch.iterdir()) == []


def test_an_error_leaves_nothing(places: tuple[Path, Path]):
    results, scratch = places
    with pytest.raises(ZeroDivisionError), whole.written(str(results / "a"), str(scratch)) as path:
        Path(path).touch()
        raise ZeroDivisionError
    assert list(results.iterdir()) == list(scratch.iterdir()) == []


def test_who_was_given_up_finds_no_place(places: tuple[Path, Path], tmp_path: Path):
    results, scratch = places
    with (
        pytest.raises(FileNotFoundError),
        whole.written(str(results / "a"), str(scratch)) as path,
        Path(path).open("w", encoding="utf-8") as file,
    ):
        whole.given_up(results)
        whole.given_up(scratch)
        file.write("late")
    whole.given_up(results)
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_storage_is_copied(tmp_path: Path):
    import tensorflow as tf

    with whole.written("ram://whole/a", str(tmp_path / "unused")) as path:
        Path(path).write_text("all", encoding="utf-8")
        assert not tf.io.gfile.exists("ram://whole/a")
    assert files.read_text("ram://whole/a") == "all"


def test_a_file_of_this_machine_waits_beside_its_place_if_the_scratch_folder_is_elsewhere(tmp_path: Path):
    with whole.written(str(tmp_path / "a.gz"), "ram://whole/scratch") as path:
        assert (Path(path).parent, Path(path).name[0], Path(path).suffix) == (tmp_path, ".", ".gz")
        Path(path).write_text("all", encoding="utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["a.gz"]
