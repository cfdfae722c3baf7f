"""Local paths of URIs, and back."""

import pytest

from limbeck.kubeflow.places import local_path, place, uri_of


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/a", "/minio/mlpipeline/v2/a"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("/shared/a", "/shared/a"),
        ("oci://image", "oci://image"),
    ],
)
def test_a_uri_is_found_where_the_launcher_keeps_it(uri: str, path: str):
    assert local_path(uri) == place(uri, "kubeflow") == path
    assert place(uri, "vertex") == uri
    assert uri_of(path, {path: uri}) == uri
