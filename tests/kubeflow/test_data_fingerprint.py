"""What is found out about raw data before the cache is asked."""

import json
from pathlib import Path

import pytest

from limbeck import files
from limbeck.components.example_gen.driver import files_digest
from limbeck.errors import ConfigError, DataError
from limbeck.kubeflow.data_fingerprint import resolve


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
    with pytest.raises(ConfigError, match="there is no file system for 'hdfs://'"):
        resolve({"input_base": "hdfs://name/data", "input_config": config("train/*")})


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_data_in_an_object_store_are_those_of_a_folder(tmp_path: Path, bucket: str, scheme: str):
    for span in ("1", "2", "10"):
        write(tmp_path / span / "train", f"span {span}")
    write(tmp_path / "2" / "train_old", "other data")
    files.copy_folder(tmp_path, f"{scheme}://{bucket}/data")
    for pattern in ("{SPAN}/train/*", "2/train/*", "2/train"):
        found, local = (
            resolve({"input_base": base, "input_config": config(pattern)})
            for base in (f"{scheme}://{bucket}/data", str(tmp_path))
        )
        assert found == local
        assert "sha256:" in found["input_fingerprint"]
    spanned = resolve({"input_base": f"{scheme}://{bucket}/data", "input_config": config("{SPAN}/train/*")})
    assert spanned["span"] == "10"


@pytest.mark.parametrize("pattern", ["train/*", "{SPAN}/train/*"])
def test_a_store_that_does_not_answer_is_no_folder_without_files(
    bucket: str, monkeypatch: pytest.MonkeyPatch, pattern: str
):
    """The digest of nothing would be the key of a cache entry."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(DataError, match=r"127\.0\.0\.1:1 cannot be reached"):
        resolve({"input_base": f"s3://{bucket}/data", "input_config": config(pattern)})
    monkeypatch.undo()


def test_rows_without_a_label_are_part_of_the_fingerprint(tmp_path: Path):
    write(tmp_path / "train", "one")
    write(tmp_path / "more", "two")
    given = {"input_base": str(tmp_path), "input_config": config("train/*")}
    alone = resolve(given)["input_fingerprint"]
    given["data_unlabelled"] = str(tmp_path / "more" / "*.csv")
    first = resolve(given)["input_fingerprint"]
    assert first == f"{alone}\ndata_unlabelled,sha256:{files_digest(str(tmp_path), 'more/*')}"

    write(tmp_path / "more", "three")
    assert resolve(given)["input_fingerprint"] != first


@pytest.mark.parametrize("place", ["train", "train/a.csv", "train/*.csv"])
def test_a_file_a_folder_and_a_glob_are_digested_by_their_files(tmp_path: Path, place: str):
    write(tmp_path / "train", "one")
    found = resolve({"input_base": f"{tmp_path}/{place}", "input_config": '{"splits": [{"name": "all"}]}'})
    assert found["input_fingerprint"] == f"split:all,sha256:{files_digest(str(tmp_path), 'train/*')}"
    assert (found["span"], found["version"]) == ("0", "")
