"""What a process on another machine does before it trains."""

import pytest

from limbeck.errors import ConfigError
from limbeck.launchers import far_process
from limbeck.launchers.failure import ENVIRONMENT as FAILURE
from limbeck.trainer.distribution import cluster
from limbeck.trainer.distribution.cluster import Addresses
from limbeck.trainer.process import heartbeat

TEXT = cluster.to_text(Addresses("c-0.svc:2222", ("w-0.svc:2222", "w-1.svc:2222")), "worker", 1)


def test_it_is_told_its_place_and_where_its_signs_go():
    found = far_process.variables({"no_proxy": "example.org"}, "gs://b/f", TEXT)
    assert cluster.from_environment(found).rank == 2
    assert (found[FAILURE], found[heartbeat.ENVIRONMENT]) == ("gs://b/f/failure-2.json", "gs://b/f/heartbeat-2")
    assert found["no_grpc_proxy"] == "example.org,c-0.svc,w-0.svc,w-1.svc"


@pytest.mark.parametrize("text", ["", cluster.to_text(Addresses("c-0.svc:2222", ()), "chief", 0)])
def test_a_process_that_is_alone_is_told_of_no_cluster(text):
    found = far_process.variables({}, "gs://b/f", text)
    assert found["TF_CONFIG"] == "" and found[FAILURE] == "gs://b/f/failure-0.json"


def test_a_cluster_that_is_not_understood_is_refused():
    with pytest.raises(ConfigError):
        far_process.variables({}, "gs://b/f", "{}")


def test_names_are_waited_for():
    asked, paused = [], []

    def is_known(name):
        asked.append(name)
        return asked.count(name) == 3

    far_process.wait_for(["a", "b"], 60.0, is_known, paused.append)
    assert asked == ["a"] * 3 + ["b"] * 3
    assert len(paused) == 4


def test_a_name_that_does_not_come_is_told():
    with pytest.raises(TimeoutError, match="the machine of a peer, a, was not there within 0 s"):
        far_process.wait_for(["a"], 0.0, lambda _: False)
