"""How long the API server may be away, and what streams are made of."""

import pytest
from kubernetes import client

from limbeck.launchers.kubernetes.api import Api, UnreachableError, lines_of
from limbeck.launchers.kubernetes.resources import JOB, POD
from tests.launchers.kubernetes.bodies import step_pod
from tests.launchers.kubernetes.server import NAMESPACE


def api(url, patience=20.0):
    """The API, and the pauses that it makes, without waiting."""
    configuration = client.Configuration()
    configuration.host, configuration.retries = url, False
    configuration.api_key = {"authorization": "Bearer secret"}
    pauses = []
    return Api(client.ApiClient(configuration), NAMESPACE, patience, pauses.append), pauses


def test_pauses_grow(cluster):
    cluster.fail("get", "pods", 500, times=6)
    cluster.store.create("pods", step_pod())
    asked, pauses = api(cluster.url)
    assert asked.get(POD, "step")["metadata"]["name"] == "step"
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_the_server_says_how_long_to_wait(cluster):
    cluster.fail("get", "pods", 429, headers={"Retry-After": "7"})
    cluster.store.create("pods", step_pod())
    asked, pauses = api(cluster.url)
    asked.get(POD, "step")
    assert pauses == [7.0]


def test_a_wait_beyond_the_patience_is_not_begun(cluster):
    cluster.fail("get", "pods", 429, headers={"Retry-After": "3600"})
    asked, pauses = api(cluster.url)
    with pytest.raises(UnreachableError, match=r"could not get pods for 20 s: status 429"):
        asked.get(POD, "step")
    assert pauses == []


def test_a_server_that_is_away_is_told(cluster):
    asked, _ = api("http://127.0.0.1:9", patience=0.1)
    with pytest.raises(UnreachableError, match=r"could not list jobs\.batch for 0\.1 s: NewConnectionError"):
        asked.list(JOB, {})


def test_an_object_that_has_taken_the_name_stays(cluster):
    cluster.store.create("pods", step_pod())
    asked, _ = api(cluster.url)
    asked.delete(POD, "step", "another uid")
    assert asked.get(POD, "step") is not None
    asked.delete(POD, "nothing", "uid")


def test_a_letter_in_two_pieces_is_one():
    class Response:
        def stream(self, amt, decode_content):
            data = "grüße\n\nzwei\nhalb".encode()
            return iter([data[:3], data[3:9], data[9:]])

    assert list(lines_of(Response())) == ["grüße", "zwei", "halb"]
