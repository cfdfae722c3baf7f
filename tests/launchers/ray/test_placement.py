"""Where processes are placed, and whether there can be room for them."""

import pytest

from limbeck.errors import ConfigError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.ray.identity import Identity
from limbeck.launchers.ray.placement import Node, Place, bundle, configs, shortage
from limbeck.settings.ray import RayConfig
from limbeck.trainer.distribution import cluster

SAME = Identity({"python": "3.10.13"}, "digest")
NODES = (Node("10.0.0.1", 8.0, 0.0), Node("10.0.0.2", 4.0, 2.0), Node("10.0.0.3", 1.0, 1.0))


def places(*addresses):
    pairs = [address.split(":") for address in addresses]
    return [Place(host, f"id-{host}", int(port), SAME) for host, port in pairs]


@pytest.mark.parametrize(
    ("placement", "cpus", "gpus", "room"),
    [
        ("strict_spread", 1, 0, 3),
        ("strict_spread", 2, 0, 2),
        ("strict_spread", 1, 1, 2),
        ("spread", 1, 0, 13),
        ("pack", 3, 0, 3),
        ("pack", 1, 1, 3),
        ("strict_pack", 1, 0, 8),
        ("strict_pack", 1, 1, 2),
        ("strict_pack", 16, 0, 0),
    ],
)
def test_a_job_fits_up_to_what_the_nodes_have(placement, cpus, gpus, room):
    settings = RayConfig(placement=placement, cpus=cpus, gpus=gpus)
    assert room == 0 or shortage(NODES, room, settings) is None
    assert f"has room for {room} (10.0.0.1: 8 CPU and 0 GPU, " in shortage(NODES, room + 1, settings)


def test_nodes_of_one_address_are_two():
    assert shortage([Node("10.0.0.1", 1.0, 0.0)] * 2, 2, RayConfig()) is None


def test_what_the_cluster_lacks_is_told_with_remedies():
    told = shortage(NODES[:1], 2, RayConfig(cpus=4))
    assert told == (
        "the job needs 2 processes with 4 CPU each, each on a node of its own, and the Ray cluster has room for 1 "
        "(10.0.0.1: 8 CPU and 0 GPU): add nodes, or lower strategy.workers, launcher.ray.cpus or launcher.ray.gpus, or "
        "take launcher.ray.placement=pack; with launcher.ray.autoscaling=true the job waits until the cluster has grown"
    )
    assert "(no node at all)" in shortage((), 1, RayConfig())


def test_what_is_reserved_has_the_names_of_ray():
    assert bundle(RayConfig(cpus=4)) == {"CPU": 4.0}
    assert bundle(RayConfig(cpus=4, gpus=2)) == {"CPU": 4.0, "GPU": 2.0}


def test_each_process_finds_itself_in_its_config():
    tasks = Cluster(workers=2).tasks
    texts = configs(places("10.0.0.1:4000", "10.0.0.2:5000", "10.0.0.1:4001"), tasks)
    assert [cluster.from_environment({"TF_CONFIG": text}) for text in texts] == list(tasks)
    assert '"chief": ["10.0.0.1:4000"], "worker": ["10.0.0.2:5000", "10.0.0.1:4001"]' in texts[2]


def test_a_process_that_is_alone_has_no_config():
    assert configs(places("10.0.0.1:4000"), Cluster().tasks) == ("",)


@pytest.mark.parametrize("address", ["ray://10.0.0.1:10001", "10.0.0.1", "auto", "http://10.0.0.1:8265"])
def test_an_address_is_that_of_the_head(address):
    with pytest.raises(ConfigError, match=r"launcher\.ray\.address must be host:port"):
        RayConfig(address=address)
