"""The bodies of all kinds: valid by Kubernetes' own schemas, and as they stand in `golden/`, for people to read.

`LIMBECK_WRITE_GOLDEN=1` writes the files anew.
"""

import os
from pathlib import Path

import pytest
import yaml

from limbeck.errors import ConfigError
from limbeck.launchers.kubernetes.kinds import KINDS
from limbeck.settings.pods import PodsConfig, Toleration
from tests import schemas
from tests.launchers.kubernetes import manifests
from tests.launchers.kubernetes.bodies import bare_plan, plan

kubernetes_validate = schemas.kubernetes_validate()
GOLDEN = Path(__file__).parent / "golden"
# The oldest with everything that the bodies hold, and the newest that the schemas know.
VERSIONS = ("1.31", "1.34", "1.37")
PLANS = {"full": plan(), "bare": bare_plan()}


def validate(body, version):
    kubernetes_validate.validate(body, version, strict=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLANS)
def test_bodies_are_those_of_the_golden_files(kind, name):
    made = KINDS[kind]
    text = yaml.safe_dump_all([made.body(PLANS[name]), *made.services(PLANS[name])], sort_keys=True)
    file = GOLDEN / f"{kind}-{name}.yaml"
    if os.environ.get("LIMBECK_WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PLANS)
def test_the_indexed_job_and_its_service_are_valid(name, version):
    validate(KINDS["job"].body(PLANS[name]), version)
    for service in KINDS["job"].services(PLANS[name]):
        validate(service, version)


@pytest.mark.parametrize("name", PLANS)
def test_what_is_standard_in_custom_resources_is_valid(name):
    metadata = {"name": "any"}
    for one in KINDS["jobset"].body(PLANS[name])["spec"]["replicatedJobs"]:
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": one["template"]["spec"]}
        validate(job, "1.37")
    for one in KINDS["tfjob"].body(PLANS[name])["spec"]["tfReplicaSpecs"].values():
        validate(
            {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": one["template"]}, "1.37"
        )


def test_a_misspelt_field_is_found():
    body = KINDS["job"].body(plan())
    body["spec"]["podReplacementPolcy"] = body["spec"].pop("podReplacementPolicy")
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(body, "1.37")


def test_the_manifests_are_valid():
    for document in manifests.documents():
        validate(document, "1.37")


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_pods_are_valid_host_names(kind):
    """63 characters, of which a Job takes a dash and the index, and JobSet the name of its Job besides."""
    name = KINDS[kind].body(plan(1000))["metadata"]["name"]
    assert len(f"{name}-training-0-999") <= 63


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, r"needs launcher\.kubernetes\.staging"),
        ({"staging": "relative"}, "every pod reaches, received relative"),
        ({"staging": "/tmp/here"}, "every pod reaches, received /tmp/here"),
        ({"staging": "ram://memory"}, "every pod reaches"),
        ({"staging": "/data/../tmp", "claim": "c", "mount": "/data"}, "every pod reaches"),
        ({"staging": "gcs://bucket/x"}, "no file system for 'gcs://'"),
        ({"staging": "gs://b/s", "claim": "c"}, "belong together"),
        ({"staging": "gs://b/s", "claim": "c", "mount": "data"}, "absolute path"),
        (
            {"staging": "gs://b/s", "queue": "My Queue"},
            r"launcher\.kubernetes\.queue must be a name of Kubernetes",
        ),
    ],
)
def test_settings_that_no_cluster_takes_are_refused_before_anything_is_compiled(settings, rule):
    with pytest.raises(ConfigError, match=rule):
        PodsConfig(**settings).check()


@pytest.mark.parametrize(
    ("fields", "rule"), [({}, "Equal needs a key"), ({"operator": "Exists", "value": "x"}, "Exists has no value")]
)
def test_a_toleration_that_kubernetes_refuses_is_refused_before(fields, rule):
    with pytest.raises(ConfigError, match=rule):
        Toleration(**fields)


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("gs://bucket/x", True),
        ("/data", True),
        ("/data/x", True),
        ("file:///data/x", True),
        ("/database", False),
        ("/data/../x", False),
        ("data/x", False),
        ("ram://data/x", False),
    ],
)
def test_pods_see_networks_and_what_they_mount(location, seen):
    settings = PodsConfig(staging="gs://b/s", claim="c", mount="/data")
    assert settings.seen_by_pods(location) == seen
