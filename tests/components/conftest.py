"""The world of `world.py`, built once for all tests that ask for it, and what `someone.py` makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.components.someone import Adapted, Someone
    from tests.components.world import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    from tests.components import world

    return world.build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def theirs(world: World, tmp_path_factory: pytest.TempPathFactory) -> Someone:
    from tests.components import someone

    return someone.build(world, tmp_path_factory.mktemp("someone"))


@pytest.fixture(scope="module")
def adapted(theirs: Someone, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    from tests.components import someone

    return someone.adapt(theirs, tmp_path_factory.mktemp("adapted"))
