"""Ends what these tests have started for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.runs import stop_server


@pytest.fixture(scope="package", autouse=True)
def _server_ends_with_the_tests_that_use_it() -> Iterator[None]:
    """Tests elsewhere look whether they left a child behind."""
    yield
    stop_server()
