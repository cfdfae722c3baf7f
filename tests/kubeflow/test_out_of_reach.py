"""What a compiled pipeline names that no container may reach."""

from __future__ import annotations

import pytest

from limbeck.kubeflow.out_of_reach import named_places, unmounted, unpullable
from limbeck.settings import sources


def places(root: str = "gs://bucket/root", data: str | None = None, unlabelled: str | None = None):
    return named_places(root, data, unlabelled)


def containers(*assignments: str):
    return sources.load([sources.parse_assignment(text) for text in assignments]).containers


@pytest.mark.parametrize("target", ["kubeflow", "vertex"])
def test_uris_and_data_that_the_task_brings_are_not_told(target: str):
    given = places(data="s3://bucket/data", unlabelled="minio://bucket/rows")
    assert unmounted(given, target, {}) == []
    assert unmounted(places(), target, {}) == []


@pytest.mark.parametrize("location", ["/home/me/data", "file:///home/me/data"])
def test_a_folder_of_this_machine_is_told_with_the_nodes_that_read_it(location: str):
    [warning] = unmounted(places(data=location), "kubeflow", {})
    assert f"data.path={location} is a folder of a machine" in warning
    assert "the containers of DataFingerprint and ExampleGen mount no claim there" in warning


def test_each_place_is_told():
    warnings = unmounted(places("/roots/one", "/data", "/rows"), "kubeflow", {})
    assert [warning.partition("=")[0] for warning in warnings] == ["--root", "data.path", "data.unlabelled"]


def test_the_remedy_of_the_warning_ends_it():
    [warning] = unmounted(places(data="/mnt/data/taxi"), "kubeflow", {})
    assignment = warning.partition("--set '")[2].rstrip("'")
    assert unmounted(places(data="/mnt/data/taxi"), "kubeflow", containers(assignment)) == []


def test_a_claim_of_one_node_leaves_the_other():
    given = containers("containers.ExampleGen.claims={/mnt/data: claim}")
    [warning] = unmounted(places(data="/mnt/data"), "kubeflow", given)
    assert "the containers of DataFingerprint mount no claim there" in warning


def test_vertex_ai_mounts_buckets_below_gcs_and_nothing_else():
    assert unmounted(places(data="/gcs/bucket/data"), "vertex", {}) == []
    [warning] = unmounted(
        places(data="/mnt/data"), "vertex", containers("containers.default.claims={/mnt/data: claim}")
    )
    assert "copy it to a bucket, and give its gs:// URI" in warning


def test_an_image_without_a_registry_is_told_for_each_target():
    assert unpullable("registry.example:5000/limbeck:1", "vertex") is None
    assert "names no registry" in str(unpullable("limbeck:0.1.0", "kubeflow"))
    assert "PROJECT/REPOSITORY/limbeck:0.1.0" in str(unpullable("limbeck:0.1.0", "vertex"))
