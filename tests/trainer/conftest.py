"""The world of `world.py`, built once for all tests that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.trainer.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    from tests.trainer import world

    return world.build(tmp_path_factory.mktemp("training"), world.rows(), world.random_logits())
