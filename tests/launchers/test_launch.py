import subprocess
import sys

import pydantic
import pytest

from launchers.cluster import Cluster
from launchers.launch import launch
from limbeck.errors import ConfigError
from limbeck.settings.strategy import StrategyConfig
from tests.launchers import jobs


def test_a_cluster_fits_its_strategy():
    assert Cluster.of(StrategyConfig()) == Cluster(workers=1)
    assert Cluster.of(StrategyConfig(name="one_device")) == Cluster(workers=0)
    assert [task.role for task in Cluster(workers=2).tasks] == ["chief", "worker", "worker"]


def test_a_cluster_has_no_negative_number_of_workers():
    with pytest.raises(pydantic.ValidationError):
        Cluster(workers=-1)


def test_an_unknown_place_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no place 'locl'.* Did you mean 'local'\?"):
        launch(jobs.job(tmp_path, 1), Cluster(), place="locl")


def test_a_cluster_of_another_size_than_the_strategy_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs 2 processes, the cluster has 1"):
        launch(jobs.job(tmp_path, 2), Cluster())


def test_launchers_import_no_heavy_package():
    script = (
        "import sys, launchers.launch;"
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
