"""Settings of the launcher, and what is refused before anything starts."""

import dataclasses
import importlib.util

import pytest

from limbeck import files
from limbeck.cli.commands.compile import _assert_reached
from limbeck.errors import ConfigError
from limbeck.launchers.ray.launcher import RayLauncher
from limbeck.settings import sources
from limbeck.settings.operational import Operational, read
from limbeck.settings.ray import RayConfig
from tests.launchers import jobs

OWN = {"address": "10.0.0.1:6379", "staging": "/shared/staging", "shared": "/shared", "cpus": 4}
LAYER = {"launcher": {"name": "ray", "ray": OWN}}


def test_they_survive_the_environment_of_a_step():
    config = sources.load([LAYER])
    found = read(Operational.of(config, "/shared/checkpoints").environment()).launcher
    assert found == config.launcher
    assert found.ray == RayConfig(**OWN)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"address": None}, r"needs launcher\.ray\.address"),
        ({"staging": None}, r"needs launcher\.ray\.staging"),
        ({"staging": "/elsewhere"}, r"launcher\.ray\.staging must be a place that every node reaches"),
        ({"shared": "shared"}, r"launcher\.ray\.shared must be an absolute path"),
        ({"placement": "near"}, r"launcher\.ray\.placement"),
    ],
)
def test_what_cannot_start_processes_is_refused(changes, rule):
    with pytest.raises(ConfigError, match=rule):
        sources.load([{"launcher": {"name": "ray", "ray": OWN | changes}}])


def test_a_root_that_nodes_do_not_reach_is_refused_when_a_run_begins(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    RayConfig(**OWN).check_machine("/shared/root")
    with pytest.raises(ConfigError, match="--root must be a place that every node of the Ray cluster reaches"):
        RayConfig(**OWN).check_machine("/home/root")


def test_without_the_package_a_run_does_not_begin(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="make install-ray"):
        RayConfig(**OWN).check_machine("/shared/root")


def test_no_container_is_compiled_that_would_train_so():
    with pytest.raises(ConfigError, match="a container is none"):
        _assert_reached("/shared/root", "kubeflow", sources.load([LAYER]))


def test_what_nodes_do_not_see_is_staged_and_what_they_share_is_not(tmp_path):
    for name in ("packed", "shared/graph"):
        files.write_text(tmp_path / name / "file", name)
    shared = tmp_path / "shared"
    job = dataclasses.replace(
        jobs.job(tmp_path, 2),
        examples_uri=str(tmp_path / "packed"),
        transform_graph_uri=str(shared / "graph"),
        checkpoint_uri=str(shared / "checkpoints"),
    )
    staged = RayLauncher(RayConfig(staging=f"{shared}/staging", shared=str(shared))).stage(job)
    assert files.read_text(f"{staged.examples_uri}/file") == "packed"
    assert staged.model_uri.startswith(f"{shared}/staging/limbeck-")
    assert (staged.transform_graph_uri, staged.checkpoint_uri) == (job.transform_graph_uri, job.checkpoint_uri)
