import json
import os
import subprocess
import sys

import pytest

from limbeck.errors import ConfigError
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses, ClusterTask

THREE = Addresses("h:1", ("h:2", "h:3"))


@pytest.mark.parametrize(("role", "index", "rank"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)])
def test_round_trip(role, index, rank):
    read = cluster.from_environment({"TF_CONFIG": cluster.to_text(THREE, role, index)})
    assert read == ClusterTask(role=role, index=index, rank=rank, processes=3)
    assert read == cluster.cluster_task(rank, 3)
    assert read.is_chief == (rank == 0)


def test_tensorflow_reads_the_same_cluster(monkeypatch):
    import tensorflow as tf
    from tensorflow.python.distribute import multi_worker_util

    for rank in range(3):
        task = cluster.cluster_task(rank, 3)
        monkeypatch.setenv("TF_CONFIG", cluster.to_text(THREE, task.role, task.index))
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        spec = resolver.cluster_spec()
        place = (resolver.task_type, resolver.task_id)
        assert place == (task.role, task.index)
        assert multi_worker_util.worker_count(spec, task.role) == task.processes
        assert multi_worker_util.id_in_cluster(spec, *place) == task.rank
        assert multi_worker_util.is_chief(spec, *place) == task.is_chief
        assert spec.task_address(*place) == f"h:{rank + 1}"


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}])
def test_without_tf_config_there_is_a_single_chief(environment):
    assert cluster.from_environment(environment) == ClusterTask("chief", 0, 0, 1)


def test_the_environment_of_this_process_is_the_default(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", cluster.to_text(THREE, "worker", 1))
    assert cluster.from_environment().rank == 2


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "must be JSON"),
        ("[]", "must be JSON"),
        ("null", "must be JSON"),
        ('{"cluster": {}}', "must be JSON"),
        ('{"cluster": {"chief": 1}, "task": {"type": "chief", "index": 0}}', "must be JSON"),
        (json.dumps({"cluster": [], "task": {"type": "chief", "index": 0}}), "one 'chief'"),
        (
            json.dumps({"cluster": {"worker": ["h:1"]}, "task": {"type": "worker", "index": 0}}),
            "one 'chief'",
        ),
        (
            json.dumps(
                {
                    "cluster": {"chief": ["h:1"], "wroker": ["h:2"]},
                    "task": {"type": "chief", "index": 0},
                }
            ),
            "no other role",
        ),
        (cluster.to_text(THREE, "worker", 2), "no process 2 of role 'worker'"),
        (cluster.to_text(THREE, "worker", -1), "no process -1"),
    ],
)
def test_a_broken_tf_config_is_refused_with_its_rule(text, rule):
    with pytest.raises(ConfigError, match=rule):
        cluster.from_environment({"TF_CONFIG": text})


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is of Linux")
@pytest.mark.parametrize(("offset", "code"), [(0, 0), (1, -9)])
def test_a_process_with_an_unexpected_parent_kills_itself(offset, code):
    script = f"from limbeck.trainer.process import lifeline; lifeline.die_with_parent({os.getpid() + offset})"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == code


@pytest.mark.processes
def test_a_process_without_a_launcher_stays_alive():
    environment = {k: v for k, v in os.environ.items() if k != "LIMBECK_PARENT"}
    script = "from limbeck.trainer.process import lifeline; lifeline.die_with_parent()"
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0
