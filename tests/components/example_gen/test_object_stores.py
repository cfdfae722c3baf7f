"""Patterns in an object store mean what they mean in a folder."""

import glob as local
from pathlib import Path

import pytest

from limbeck import files
from limbeck.components.example_gen.files import matching, open_content
from limbeck.components.example_gen.object_stores import file_functions, glob
from limbeck.errors import DataError

NAMES = (
    "train/a.csv", "train/b.csv", "train/b.txt", "train/.hidden", "train/_SUCCESS", "train_old/c.csv",
    "deep/1/train/x", "deep/2/train/y", "deep/2/test/z", "deep/other", "odd[1]/w",
)  # fmt: skip


@pytest.fixture
def folders(tmp_path: Path, bucket: str) -> tuple[str, str]:
    """The same files in a folder and in an object store."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    files.copy_folder(tmp_path, f"s3://{bucket}/data")
    return str(tmp_path), f"s3://{bucket}/data"


@pytest.mark.parametrize(
    "pattern",
    ["*", "train/*", "train*/*.csv", "deep/*/train/*", "deep/[13]/*/?", "*/*", "train/a.csv", "train", "nothing",
     "nothing/*", "t?ain/b.*", "deep/*"],
)  # fmt: skip
def test_a_pattern_matches_what_it_matches_in_a_folder(folders: tuple[str, str], pattern: str):
    here, there = folders
    found = [path.removeprefix(here) for path in local.glob(f"{here}/{pattern}")]  # noqa: PTH207
    hidden = [f"/{name}" for name in ("train/.hidden",) if pattern in ("train/*", "*/*")]
    assert sorted(path.removeprefix(there) for path in glob(f"{there}/{pattern}")) == sorted(found + hidden)
    assert file_functions().glob(f"{there}/{pattern}") == glob(f"{there}/{pattern}")


@pytest.mark.parametrize("pattern", ["train/*", "train", "train/", "train/a.csv", "deep/*/train/*"])
def test_data_are_the_same_files(folders: tuple[str, str], pattern: str):
    here, there = folders
    found = matching(there, pattern)
    assert [path.removeprefix(there) for path in found] == [
        path.removeprefix(here) for path in matching(here, pattern)
    ]
    for path in found:
        with open_content(path) as content:
            assert content.read().decode() == path.removeprefix(f"{there}/")


def test_a_wildcard_that_matches_a_folder_is_refused(folders: tuple[str, str]):
    with pytest.raises(DataError, match=r"matches the folder s3://.*/deep/1, but must match files"):
        matching(folders[1], "deep/*")


def test_a_missing_bucket_is_told(bucket: str):
    with pytest.raises(DataError, match="cannot be listed"):
        matching("s3://there-is-no-such-bucket/data", "train/*")


def test_data_are_only_read(folders: tuple[str, str]):
    with pytest.raises(NotImplementedError, match="can only be read"):
        file_functions().open(f"{folders[1]}/new", "wb")
