"""What a process makes of the cluster that Vertex AI tells it."""

import json

import pytest

from launchers.failure import ENVIRONMENT as FAILURE
from launchers.vertex import in_replica
from limbeck.errors import ConfigError
from trainer.distribution import cluster
from trainer.distribution.cluster import ClusterTask
from trainer.process import heartbeat

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
    found = in_replica.variables({name: text, "no_proxy": "example.org"}, "gs://b/f")
    assert cluster.from_environment(found) == ClusterTask("worker", 1, 2, 3)
    assert json.loads(found["TF_CONFIG"])["cluster"] == MEMBERS
    assert (found[FAILURE], found[heartbeat.ENVIRONMENT]) == ("gs://b/f/failure-2.json", "gs://b/f/heartbeat-2")
    assert found["no_grpc_proxy"] == "example.org,c-0,w-0,w-1"


def test_a_process_that_is_alone_is_told_of_no_cluster():
    found = in_replica.variables({"TF_CONFIG": _told({"chief": ["c:1"]}, "chief", 0)}, "gs://b/f")
    assert found["TF_CONFIG"] == "" and found[FAILURE] == "gs://b/f/failure-0.json"


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
        in_replica.variables(environment, "gs://b/f")


def test_peers_that_come_late_are_waited_for():
    tries = iter([False, False, True, True])
    paused = []
    in_replica.wait_for(["a", "b"], 60, lambda _: next(tries), paused.append)
    assert len(paused) == 2
    with pytest.raises(TimeoutError, match="a peer, a, was not there within 0 s"):
        in_replica.wait_for(["a"], 0, lambda _: False)
