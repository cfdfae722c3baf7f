"""Where the raw examples of a run come from."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from limbeck.cli import raw_data
from limbeck.errors import ConfigError
from limbeck.examples import SPLITS
from limbeck.settings.data import EXAMPLE_OF_SPLIT, DataConfig
from limbeck.task import Label, Task

BARE = Task(
    name="own-data",
    features=(),
    label=Label("kind", classes=("a", "b")),
    preprocessing_fn=dict,
    build_teacher=dict,
    build_student=dict,
)


def write(folder: Path) -> None:
    for split in SPLITS:
        (folder / split).mkdir()
        (folder / split / "part").write_text(split, encoding="utf-8")


def with_data(write_data: Any) -> Task:
    return dataclasses.replace(BARE, write_data=write_data)


def test_the_tasks_data_are_written_once_and_not_touched_again(tmp_path: Path):
    calls = []

    def counted(folder: Path) -> None:
        calls.append(folder)
        write(folder)

    first = raw_data.resolve(None, with_data(counted), "d" * 64, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in Path(first).rglob("*")}
    second = raw_data.resolve(None, with_data(counted), "d" * 64, tmp_path)

    assert first == second
    assert len(calls) == 1
    assert {path: path.stat().st_mtime_ns for path in Path(first).rglob("*")} == before
    assert {path.name for path in Path(first).iterdir()} == set(SPLITS)


def test_other_code_writes_its_data_elsewhere(tmp_path: Path):
    folders = {raw_data.resolve(None, with_data(write), digest * 64, tmp_path) for digest in "ab"}

    assert len(folders) == 2
    assert {Path(folder).parent for folder in folders} == {tmp_path}


def test_data_that_were_half_written_are_never_taken_for_whole(tmp_path: Path):
    def break_off(folder: Path) -> None:
        (folder / "train").mkdir()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        raw_data.resolve(None, with_data(break_off), "d" * 64, tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".unfinished"]

    # The next run begins anew: `write` would fail on a folder that is there already.
    whole = Path(raw_data.resolve(None, with_data(write), "d" * 64, tmp_path))
    assert list(tmp_path.iterdir()) == [whole]
    assert {path.name for path in whole.iterdir()} == set(SPLITS)


def test_a_path_of_the_user_is_made_absolute_and_a_uri_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert raw_data.resolve("here/data", BARE, "", tmp_path) == str(tmp_path / "here" / "data")
    assert raw_data.resolve("gs://bucket/data", BARE, "", tmp_path) == "gs://bucket/data"


def test_a_task_without_data_needs_a_path(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"task 'own-data' has no data of its own: give --set data\.path="):
        raw_data.resolve(None, BARE, "", tmp_path)


@pytest.mark.parametrize("missing", SPLITS)
def test_every_split_must_hold_a_file(tmp_path: Path, missing: str):
    write(tmp_path)
    raw_data.check(DataConfig(path=str(tmp_path)))
    (tmp_path / missing / "part").unlink()

    with pytest.raises(ConfigError, match=f"{tmp_path}/{missing} has none"):
        raw_data.check(DataConfig(path=str(tmp_path)))


def test_a_uri_is_not_looked_into():
    raw_data.check(DataConfig(path="gs://bucket/data"))


def test_a_wildcard_in_the_path_of_the_data_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"data\.path must hold none of \* \? \[ \]"):
        raw_data.check(DataConfig(path=str(tmp_path / "set[1]")))


@pytest.mark.parametrize(
    ("data", "root", "apart"),
    [
        (DataConfig(path="all", split=EXAMPLE_OF_SPLIT), "all", False),
        (DataConfig(path="all", split=EXAMPLE_OF_SPLIT), "all/run", False),
        (DataConfig(path="all/*", split=EXAMPLE_OF_SPLIT), "all", False),
        (DataConfig(path="all/*.csv", split=EXAMPLE_OF_SPLIT), "all/run", True),
        (DataConfig(path="all", split=EXAMPLE_OF_SPLIT), "all/_run", True),
        (DataConfig(path="all", split=EXAMPLE_OF_SPLIT), "all-runs", True),
        (DataConfig(path="all", split=EXAMPLE_OF_SPLIT), ".", True),
        (DataConfig(path="cut"), "cut/train", False),
        (DataConfig(path="cut"), "cut/train/run", False),
        (DataConfig(path="cut"), "cut", True),
        (DataConfig(path="cut"), "cut/run", True),
        (DataConfig(path="{SPAN}/cut"), "7/cut/test", False),
        (DataConfig(path="gs://bucket/all", split=EXAMPLE_OF_SPLIT), "all", True),
    ],
)
def test_a_run_is_kept_apart_from_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: DataConfig, root: str, apart: bool
):
    """ExampleGen refused the files of its own run, which then lay among the user's data."""
    monkeypatch.chdir(tmp_path)

    if apart:
        raw_data.assert_apart(data, tmp_path / root)
    else:
        with pytest.raises(ConfigError, match="--root must be apart from the data"):
            raw_data.assert_apart(data, tmp_path / root)


def test_further_rows_are_apart_from_a_run_too(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"where data\.unlabelled="):
        raw_data.assert_apart(DataConfig(unlabelled=str(tmp_path)), tmp_path)


@pytest.mark.parametrize("split", [None, "0.8/0.1/0.1"])
def test_a_file_whose_name_is_no_text_is_told(tmp_path: Path, split: str | None):
    """TensorFlow could not list its folder, and a check ended with a traceback."""
    folders = [tmp_path] if split else [tmp_path / name for name in SPLITS]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        Path(os.fsdecode(bytes(folder) + b"/caf\xe9.csv")).write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="names of files must be text in UTF-8; received b'"):
        raw_data.check(DataConfig(path=str(tmp_path), format="csv", split=split))
