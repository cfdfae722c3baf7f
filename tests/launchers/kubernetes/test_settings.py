"""Settings on their way: from a file, through the environment, into what is compiled and staged."""

import dataclasses

import pytest

from limbeck import files
from limbeck.cli.commands.compile import _assert_reached
from limbeck.errors import ConfigError
from limbeck.launchers.kubernetes.launcher import KubernetesLauncher
from limbeck.settings import sources
from limbeck.settings.operational import Operational, read
from limbeck.settings.pods import PodsConfig, Toleration
from tests.launchers import jobs

LAYER = {
    "launcher": {
        "name": "kubernetes",
        "kubernetes": {
            "staging": "/data/staging",
            "claim": "data",
            "mount": "/data",
            "node_selector": {"pool": "training"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
        },
    }
}


def test_they_survive_the_environment_of_a_step():
    config = sources.load([LAYER])
    found = read(Operational.of(config, "/data/checkpoints").environment()).launcher
    assert found == config.launcher
    assert found.kubernetes.tolerations == (Toleration("spot", "Exists"),)


def test_a_misspelt_field_within_a_list_is_told():
    with pytest.raises(ConfigError, match=r"key 'launcher\.kubernetes\.tolerations\.0\.kye'\. Did you mean 'key'"):
        sources.load([{"launcher": {"kubernetes": {"tolerations": [{"kye": "spot"}]}}}])


def test_without_staging_nothing_is_compiled():
    with pytest.raises(ConfigError, match=r"needs launcher\.kubernetes\.staging"):
        sources.load([{"launcher": {"name": "kubernetes"}}])


@pytest.mark.parametrize(
    ("root", "target", "rule"),
    [
        ("/elsewhere", "kubeflow", "every training pod reaches, because checkpoints are below it"),
        ("gs://bucket/root", "vertex", "Vertex AI has none"),
    ],
)
def test_a_root_that_pods_do_not_reach_is_refused_when_it_is_compiled(root, target, rule):
    with pytest.raises(ConfigError, match=rule):
        _assert_reached(root, target, sources.load([LAYER]))


@pytest.mark.parametrize("root", ["/data/root", "gs://bucket/root"])
def test_a_root_that_pods_reach_is_taken(root):
    _assert_reached(root, "kubeflow", sources.load([LAYER]))


def test_what_pods_do_not_see_is_staged_and_what_they_mount_is_not(tmp_path):
    for name in ("packed", "shared/graph"):
        files.write_text(tmp_path / name / "file", name)
    shared = tmp_path / "shared"
    settings = PodsConfig(staging=f"{shared}/staging", claim="c", mount=str(shared))
    job = dataclasses.replace(
        jobs.job(tmp_path, 2),
        examples_uri=str(tmp_path / "packed"),
        transform_graph_uri=str(shared / "graph"),
        checkpoint_uri=str(shared / "checkpoints"),
    )
    launcher = KubernetesLauncher(settings)
    staged = launcher.stage(job)
    assert files.read_text(f"{staged.examples_uri}/file") == "packed"
    assert staged.examples_uri.startswith(f"{shared}/staging/limbeck-")
    assert staged.model_uri.startswith(f"{shared}/staging/limbeck-")
    assert (staged.transform_graph_uri, staged.checkpoint_uri) == (job.transform_graph_uri, job.checkpoint_uri)


def test_checkpoints_that_pods_do_not_see_are_refused(tmp_path):
    settings = PodsConfig(staging="gs://bucket/staging")
    job = dataclasses.replace(jobs.job(tmp_path, 2), checkpoint_uri=str(tmp_path / "checkpoints"))
    with pytest.raises(ConfigError, match="checkpoints must lie where every process of the job can read them"):
        KubernetesLauncher(settings).stage(job)
