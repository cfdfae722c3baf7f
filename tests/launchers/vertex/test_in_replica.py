"""What a process makes of the cluster that Vertex AI tells it."""

import json

import pytest

from limbeck.errors import ConfigError
from limbeck.launchers.vertex import in_replica
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import ClusterTask

MEMBERS = {"chief": ["c-0:2222"], "worker": ["w-0:2222", "w-1:2222"]}


def _told(members, kind, index, **further):
    return json.dumps({"cluster": members, "task": {"type": kind, "index": index, "trial": ""}, **further})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TF_CONFIG", _told(MEMBERS, "worker", 1, environment="cloud", job={"x": 1})),
        # Reduction servers are told as parameter servers, which no strategy of ours would wait for.
        ("TF_CONFIG", _told({**MEMBERS, "ps": ["p-0:2222"]}, "worker", 1)),
        ("TF_CONFIG", _told({"master": MEMBERS["chief"], "worker": MEMBERS["worker"]}, "worker", 1)),
        (
            "CLUSTER_SPEC",
            _told({"workerpool0": MEMBERS["chief"], "workerpool1": MEMBERS["worker"]}, "workerpool1", 1),
        ),
    ],
)
def test_the_cluster_is_taken_over(name, text):
    found = in_replica.own_config({name: text})
    assert cluster.from_environment({"TF_CONFIG": found}) == ClusterTask("worker", 1, 2, 3)
    assert json.loads(found)["cluster"] == MEMBERS


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "CLUSTER_SPEC of a custom job must have a cluster"),
        ({"TF_CONFIG": "{"}, "TF_CONFIG of a custom job must have a cluster"),
        ({"TF_CONFIG": _told({"worker": ["w:1"]}, "worker", 0)}, "with one chief"),
        ({"TF_CONFIG": _told({**MEMBERS, "ps": ["p:1"]}, "ps", 0)}, "this process is a ps"),
    ],
)
def test_what_is_not_understood_is_refused(environment, message):
    with pytest.raises(ConfigError, match=message):
        in_replica.own_config(environment)
