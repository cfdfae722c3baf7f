"""What holds for tests of launchers."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from limbeck.launchers.local import forks


@pytest.fixture
def no_child_is_left() -> Iterator[None]:
    """Refuses a test that leaves a process behind. The server that forks for earlier tests is none of its."""
    forks.stop()
    before = psutil.Process().children(recursive=True)
    yield
    assert set(psutil.Process().children(recursive=True)) <= set(before)
