"""Finding the files of a split."""

from pathlib import Path

import pytest
from tfx.types import artifact_utils

from limbeck.components.artifacts.files import split_files, split_names
from limbeck.errors import DataError
from tests.components import rehearsal


def test_the_files_of_a_split_are_sorted_by_name(tmp_path: Path):
    examples = rehearsal.examples(tmp_path, ["train", "test"])
    for split, name in (("train", "b.gz"), ("train", "a.gz"), ("test", "c.gz")):
        (tmp_path / f"Split-{split}").mkdir(exist_ok=True)
        (tmp_path / f"Split-{split}" / name).touch()

    assert split_files([examples], "train") == [f"{tmp_path}/Split-train/{name}" for name in ("a.gz", "b.gz")]
    assert split_names([examples]) == ["train", "test"]


def test_an_absent_split_is_named_with_those_that_are_there(tmp_path: Path):
    examples = rehearsal.examples(tmp_path, ["train", "eval"])

    with pytest.raises(DataError, match="the examples have no split 'test'; they have: train, eval"):
        split_files([examples], "test")


def test_the_names_are_read_as_tfx_writes_them(tmp_path: Path):
    examples = rehearsal.examples(tmp_path, [])
    examples.split_names = artifact_utils.encode_split_names(["only"])

    assert split_names([examples]) == ["only"]
