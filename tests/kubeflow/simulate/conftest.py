"""Simulated steps run in namespaces of the kernel, which not every machine allows."""

import os

import pytest

from limbeck.errors import UserError
from limbeck.kubeflow.simulate.pod import process


@pytest.fixture(scope="session")
def _namespaces() -> None:
    try:
        process.check()
    except UserError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _needs_namespaces(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("processes"):
        request.getfixturevalue("_namespaces")
