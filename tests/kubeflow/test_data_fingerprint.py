"""What is found out about raw data before the cache is asked."""

import json
from pathlib import Path

import pytest

from components.example_gen.driver import files_digest
from kubeflow.data_fingerprint import resolve
from limbeck.errors import ConfigError, DataError


def config(pattern: str) -> str:
    return json.dumps({"splits": [{"name": "train", "pattern": pattern}]})


def write(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.csv").write_text(text, encoding="utf-8")


def test_the_newest_span_is_found_and_its_files_digested(tmp_path: Path):
    write(tmp_path / "1" / "train", "old")
    write(tmp_path / "2" / "train", "new")
    found = resolve({"input_base": str(tmp_path), "input_config": config("{SPAN}/train/*")})

    assert (found["span"], found["version"]) == ("2", "")
    assert json.loads(found["input_config"]) == {"splits": [{"name": "train", "pattern": "2/train/*"}]}
    assert found["input_fingerprint"] == f"split:train,sha256:{files_digest(str(tmp_path), '2/train/*')}"


def test_a_version_is_a_number(tmp_path: Path):
    write(tmp_path / "2" / "7" / "train", "new")
    found = resolve({"input_base": str(tmp_path), "input_config": config("{SPAN}/{VERSION}/train/*")})

    assert (found["span"], found["version"]) == ("2", "7")


def test_only_content_counts(tmp_path: Path):
    given = {"input_base": str(tmp_path), "input_config": config("train/*")}
    write(tmp_path / "train", "one")
    first = resolve(given)
    (tmp_path / "train" / "a.csv").rename(tmp_path / "train" / "b.csv")
    assert resolve(given) == first

    write(tmp_path / "train", "two")
    assert resolve(given)["input_fingerprint"] != first["input_fingerprint"]


def test_data_without_a_span_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=f"no span of the data in {tmp_path} can be read"):
        resolve({"input_base": str(tmp_path), "input_config": config("{SPAN}/train/*")})


def test_a_place_that_nothing_opens_is_named():
    with pytest.raises(ConfigError, match="there is no file system for 's3://'"):
        resolve({"input_base": "s3://bucket/data", "input_config": config("train/*")})
