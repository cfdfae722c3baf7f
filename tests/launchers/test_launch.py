import subprocess
import sys

import pydantic
import pytest

from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.launch import launch, make
from limbeck.settings.launcher import LAUNCHERS, LauncherConfig
from limbeck.settings.pods import PodsConfig
from limbeck.settings.ray import RayConfig
from limbeck.settings.sources import load, parse_assignment
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.vertex import VertexConfig
from tests.launchers import jobs

# Settings without which a launcher cannot be made.
NEEDED = {
    "kubernetes": {"kubernetes": PodsConfig(staging="gs://bucket/staging")},
    "vertex": {"vertex": VertexConfig("lab", "us-central1", "image", "gs://bucket/staging")},
    "ray": {"ray": RayConfig("10.0.0.1:6379", "gs://bucket/staging")},
}


def test_a_cluster_fits_its_strategy():
    assert Cluster.of(StrategyConfig()) == Cluster(workers=1)
    assert Cluster.of(StrategyConfig(name="one_device")) == Cluster(workers=0)
    assert [task.role for task in Cluster(workers=2).tasks] == ["chief", "worker", "worker"]


def test_a_cluster_has_no_negative_number_of_workers():
    with pytest.raises(pydantic.ValidationError):
        Cluster(workers=-1)


def test_an_unknown_launcher_is_refused_as_soon_as_settings_are_read():
    with pytest.raises(ConfigError, match=r"no launcher 'locl'\. Did you mean 'local'\? Known: local"):
        load([parse_assignment("launcher.name=locl")])


@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_launcher_of_the_registry_can_be_made(name):
    made = make(LauncherConfig(name, **NEEDED.get(name, {})))
    assert isinstance(made.supervises, bool) and callable(made.stage) and callable(made.launch)


def test_a_cluster_of_another_size_than_the_strategy_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs 2 processes, the cluster has 1"):
        launch(jobs.job(tmp_path, 2), Cluster())


def test_launchers_import_no_heavy_package():
    script = (
        "import sys, limbeck.launchers.launch;"
        "sys.exit(str({'tensorflow', 'tfx', 'apache_beam', 'numpy'} & set(sys.modules) or ''))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=jobs.WORKER.parents[2],
    )
    assert (result.returncode, result.stderr.strip()) == (1, "")
