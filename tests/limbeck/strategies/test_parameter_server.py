"""What the strategy `parameter_server` needs, and what it refuses before anything is trained."""

from __future__ import annotations

from typing import Any

import pytest

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster
from limbeck.settings.config import Config
from limbeck.settings.strategy import StrategyConfig


def test_the_roles_of_its_processes():
    strategy = StrategyConfig(name="parameter_server", workers=3, parameter_servers=2)
    cluster = Cluster.of(strategy)
    assert strategy.processes == len(cluster.tasks) == 6
    roles = [("chief", 0), ("worker", 0), ("worker", 1), ("worker", 2), ("ps", 0), ("ps", 1)]
    assert [(task.role, task.index) for task in cluster.tasks] == roles
    assert [task.rank for task in cluster.tasks] == list(range(6))
    assert [task.rank for task in cluster.training] == [0]
    assert cluster.expendable == {1, 2, 3}


def test_two_workers_and_one_server_are_the_default():
    assert [task.role for task in Cluster.of(StrategyConfig(name="parameter_server")).tasks] == [
        "chief",
        "worker",
        "worker",
        "ps",
    ]


def test_under_every_other_strategy_all_train_and_none_is_expendable():
    cluster = Cluster.of(StrategyConfig(workers=3))
    assert cluster.training == cluster.tasks and not cluster.expendable


@pytest.mark.parametrize(("values", "message"), [
    ({"training": {"precision": "mixed_bfloat16"}}, r"share no loss scale.*take training\.precision=float32"),
    ({"training": {"recompute": "all"}}, r"training\.recompute is all: leave it out"),
    ({"training": {"accumulate": 2}}, r"training\.accumulate is 2: leave it out and take a smaller"),
    ({"training": {"early_stopping_patience": 3}}, r"early_stopping_patience is 3: leave it out"),
    ({"strategy": {"logical_devices": 2}}, "leave it out"),
    ({"strategy": {"communication": "ring"}}, "has no choice"),
    ({"launcher": {"name": "kubernetes", "kubernetes": {"staging": "gs://b/s"}}}, "only launcher.name=local"),
    ({"strategy": {"name": "mirrored", "parameter_servers": 2}}, "'mirrored' has no parameter servers"),
])  # fmt: skip
def test_what_cannot_be_combined_is_refused_with_the_remedy(values: dict[str, dict[str, Any]], message: str):
    strategy = {"name": "parameter_server"} | values.get("strategy", {})
    with pytest.raises(ConfigError, match=message):
        records.from_mapping(Config, values | {"strategy": strategy})
