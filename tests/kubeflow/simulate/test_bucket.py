"""A bucket as a folder, with an object store's semantics."""

from pathlib import Path

import pytest

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.uris import UriError, below, local_path, location

KEYS = ["a", "a/b", "a/", "ab", "c/d/e", "c/d/", "c/d"]


@pytest.mark.parametrize("keys", [KEYS, KEYS[::-1]], ids=["forwards", "backwards"])
def test_an_object_may_have_the_name_of_a_folder(tmp_path: Path, keys: list[str]) -> None:
    bucket = Bucket(tmp_path / "bucket")
    for key in keys:
        bucket.put_text(key, key)

    assert bucket.keys() == sorted(KEYS)
    for key in KEYS:
        bucket.get(key, tmp_path / "copy")
        assert (tmp_path / "copy").read_text("utf-8") == key


def test_a_listing_is_by_prefix(tmp_path: Path) -> None:
    bucket = Bucket(tmp_path)
    for key in ("model/m", "model_run/r", "other"):
        bucket.put_text(key, "xx")

    assert bucket.keys("model") == ["model/m", "model_run/r"]
    assert bucket.keys("model/") == ["model/m"]
    assert bucket.sizes() == {"model/m": 2, "model_run/r": 2, "other": 2}


def test_an_empty_folder_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "bucket" / "folder").mkdir(parents=True)
    assert Bucket(tmp_path / "bucket").keys() == []
    assert Bucket(tmp_path / "not there").keys() == []


def test_the_parts_of_a_uri() -> None:
    root = location("minio://mlpipeline/v2/artifacts/name/run")
    assert (root.scheme, root.bucket, root.prefix) == ("minio://", "mlpipeline", "v2/artifacts/name/run/")
    assert root.key("minio://mlpipeline/v2/artifacts/name/run/task/x") == "task/x"
    with pytest.raises(UriError, match="outside"):
        root.key("minio://mlpipeline/v2/other")
    with pytest.raises(UriError, match="names no object"):
        root.key(root.text)


@pytest.mark.parametrize("uri", ["/data/examples", "data", "file:///data", "minio:/b"])
def test_what_is_no_uri_of_a_bucket(uri: str) -> None:
    with pytest.raises(UriError):
        location(uri)
    with pytest.raises(UriError):
        local_path(uri)


def test_local_paths_and_uris_below() -> None:
    uris = ("gs://b/x", "s3://b/x", "minio://b/x")
    assert [local_path(uri) for uri in uris] == ["/gcs/b/x", "/s3/b/x", "/minio/b/x"]
    assert below("minio://b/root/?region=x", "task", "salt") == "minio://b/root/task/salt"


def test_links_are_followed_within_the_pod(tmp_path: Path) -> None:
    files = PodFiles(tmp_path, 1000)
    files.make("/tmp/a/b")
    files.host("/tmp/a/absolute").symlink_to("/tmp/a/b")
    files.host("/tmp/a/upwards").symlink_to("../../../../../minio")
    files.host("/tmp/a/circle").symlink_to("circle")

    assert files.host("/tmp/a/absolute/c") == tmp_path / "tmp/a/b/c"
    assert files.host("/tmp/a/upwards/c") == tmp_path / "minio/c"
    assert files.host("/tmp/../tmp/a") == tmp_path / "tmp/a"
    files.host("/tmp/a/circle")


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    files = PodFiles(tmp_path, 1000)
    files.host("/minio/file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="exists"):
        files.make("/minio/file/below")
