"""A Resolver, which one target runs and the other does not."""

from __future__ import annotations

import copy

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.rewrites.resolvers import assert_no_resolver
from tests.kubeflow.specs import stock


def test_a_resolver_is_refused_for_kubeflow_alone():
    spec = copy.deepcopy(stock())
    assert assert_no_resolver(spec, "kubeflow") == stock()
    spec["components"]["LatestBlessed"] = {"executorLabel": "LatestBlessed_executor"}
    spec["deploymentSpec"]["executors"]["LatestBlessed_executor"] = {"resolver": {"outputArtifactQueries": {}}}

    assert assert_no_resolver(spec, "vertex") is spec
    with pytest.raises(ConfigError, match=r"runs no Resolver, and the pipeline has LatestBlessed: leave it out"):
        assert_no_resolver(spec, "kubeflow")
