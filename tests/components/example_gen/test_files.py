"""Which files a pattern means."""

import gzip
import io
from pathlib import Path

import pytest
import tensorflow as tf

from limbeck.components.example_gen.files import _Bytes, matching, open_content, open_file
from limbeck.errors import DataError


@pytest.fixture
def data(tmp_path: Path) -> Path:
    names = (
        "train/b.csv",
        "train/a.csv",
        "train/.hidden",
        "train/_SUCCESS",
        "deep/x/c.csv",
        "deep/_temporary/d.csv",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("train/*", ["train/a.csv", "train/b.csv"]),
        ("train/b*", ["train/b.csv"]),
        ("train/a.csv", ["train/a.csv"]),
        ("train", ["train/a.csv", "train/b.csv"]),
        ("train/", ["train/a.csv", "train/b.csv"]),
        ("deep/*/*", ["deep/x/c.csv"]),
        ("train/_SUCCESS", ["train/_SUCCESS"]),
        ("deep/_*/*", ["deep/_temporary/d.csv"]),
    ],
)
def test_a_pattern_means_a_file_a_folder_or_a_glob(data: Path, pattern: str, expected: list[str]):
    assert matching(str(data), pattern) == [f"{data}/{name}" for name in expected]
    assert matching(f"{data}/", pattern) == [f"{data}/{name}" for name in expected]


def test_a_hidden_folder_above_the_data_does_not_hide_them(tmp_path: Path):
    folder = tmp_path / ".cache" / "_data"
    folder.mkdir(parents=True)
    (folder / "a").touch()
    assert matching(str(folder), "*") == [f"{folder}/a"]


@pytest.mark.parametrize("pattern", ["test/*", "train/*.parquet", "train/.*.csv", "nothing"])
def test_no_match_names_the_pattern(data: Path, pattern: str):
    with pytest.raises(DataError, match=r"^no file matches ") as raised:
        matching(str(data), pattern)
    assert f"{data}/{pattern}:" in str(raised.value)


def test_a_wildcard_that_matches_a_folder_is_refused(data: Path):
    with pytest.raises(DataError, match=rf"deep/\* matches the folder {data}/deep/x, but must match files"):
        matching(str(data), "deep/*")


def test_a_wildcard_in_the_folder_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"must hold none of \* \? \[ in its path"):
        matching(f"{tmp_path}/data[1]", "train/*")


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=f"^{tmp_path}/gone: cannot be read"):
        open_file(f"{tmp_path}/gone")


def test_a_file_of_tensorflow_reads_like_one_of_python(tmp_path: Path):
    # As a remote one would be opened.
    path = tmp_path / "part"
    path.write_bytes(bytes(range(256)) * 100)
    with io.BufferedReader(_Bytes(tf.io.gfile.GFile(str(path), "rb")), 100) as remote, path.open("rb") as local:
        for whence, offset in ((io.SEEK_SET, 5), (io.SEEK_CUR, 300), (io.SEEK_END, -7), (io.SEEK_SET, 0)):
            assert remote.seek(offset, whence) == local.seek(offset, whence)
            assert remote.read(1000) == local.read(1000)
            assert remote.tell() == local.tell()
        assert remote.read() == local.read()


@pytest.mark.parametrize("name", ["part", "part.gz"])
def test_a_gzip_is_known_by_its_content(tmp_path: Path, name: str):
    for stored in (b"content", gzip.compress(b"content"), gzip.compress(b"con") + gzip.compress(b"tent")):
        (tmp_path / name).write_bytes(stored)
        with open_content(f"{tmp_path}/{name}") as content:
            assert content.read() == b"content"
