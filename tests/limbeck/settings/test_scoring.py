"""Settings of what scores, and what is refused before anything starts."""

from __future__ import annotations

import importlib.util
import socket

import pytest

from limbeck.cli.commands.compile import _assert_reached
from limbeck.errors import ConfigError
from limbeck.settings import sources
from limbeck.settings.operational import Operational, read
from limbeck.settings.scoring import ScoringConfig

LAYER = {"scoring": {"engine": "dask", "address": "tcp://10.0.0.1:8786"}}


def test_they_survive_the_environment_of_a_step():
    config = sources.load([LAYER])
    assert read(Operational.of(config, None).environment()).scoring == config.scoring
    assert config.scoring.on_cluster and not ScoringConfig().on_cluster


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"engine": "dusk"}, r"there is no such engine; received 'dusk'\. Did you mean 'dask'\?"),
        ({"engine": "beam"}, r"scoring\.engine=beam has no cluster of its own"),
        ({"address": "10.0.0.1:8786"}, r"needs scoring\.address, such as tcp://10\.0\.0\.1:8786"),
        ({"address": "http://10.0.0.1:8786"}, r"needs scoring\.address"),
        ({"address": "tcp://10.0.0.1:0"}, r"needs scoring\.address"),
        ({"address": "tcp://10.0.0.1:70000"}, r"needs scoring\.address"),
        ({"start_seconds": 0.0}, r"scoring\.start_seconds"),
    ],
)
def test_what_names_no_cluster_is_refused(changes, rule):
    with pytest.raises(ConfigError, match=rule):
        sources.load([{"scoring": LAYER["scoring"] | changes}])


def test_what_this_machine_cannot_use_is_refused_when_a_run_begins(monkeypatch):
    ScoringConfig().check_machine()
    with pytest.raises(ConfigError, match=r"needs scoring\.address"):
        ScoringConfig(engine="dask").check_machine()
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = ScoringConfig(engine="dask", address=f"tcp://127.0.0.1:{server.getsockname()[1]}")
        there.check_machine()
    with pytest.raises(ConfigError, match=r"scoring\.address must be an address that listens"):
        there.check_machine()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="make install-dask"):
        there.check_machine()


def test_spark_needs_java(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    spark = ScoringConfig(engine="spark", address="spark://127.0.0.1:1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"JAVA_HOME=.* has no bin/java"):
        spark.check_machine()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="there is no java on PATH"):
        spark.check_machine()
    (tmp_path / "java").touch(mode=0o755)
    with pytest.raises(ConfigError, match=r"scoring\.address must be an address that listens"):
        spark.check_machine()
    with pytest.raises(ConfigError, match=r"such as spark://10\.0\.0\.1:7077"):
        ScoringConfig(engine="spark", address="tcp://127.0.0.1:1")


def test_no_container_is_compiled_that_would_score_so():
    with pytest.raises(ConfigError, match=r"take scoring\.engine=beam"):
        _assert_reached("gs://bucket/root", "kubeflow", sources.load([LAYER]))
