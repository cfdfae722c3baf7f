"""Builds the world of `world.py` once for all tests that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.trainer.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    from tests.trainer import world

    return world.build(tmp_path_factory.mktemp("training"), world.rows(), world.random_logits())
