"""Raw examples are found by the ids of transformed ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from limbeck.components.reporter import raw_inputs
from tests.components.world import World, by_id


def files(world: World) -> list[str]:
    return sorted(str(path) for path in (Path(world.raw_examples.uri) / "Split-train").iterdir())


def test_every_row_is_found_by_its_id_with_and_without_a_number(world: World):
    ids = [one.decode() for one in by_id(world.transformed["train"])]
    wanted = [*ids, f"{ids[3]}-0", f"{ids[3]}-1"]

    found = raw_inputs.find(wanted, files(world), world.transform_graph.uri)

    assert set(found) == set(wanted)
    for example_id, row in zip(ids, world.rows["train"], strict=True):
        assert found[example_id]["colour"].bytes_list.value[0].decode() == row["colour"]
        np.testing.assert_array_equal(found[example_id]["size"].float_list.value, row["size"])
    assert found[f"{ids[3]}-1"] == found[ids[3]]


def test_an_id_of_another_split_is_not_found(world: World):
    (other, *_) = by_id(world.transformed["test"])
    assert raw_inputs.find([other.decode()], files(world), world.transform_graph.uri) == {}


def test_nothing_is_read_for_no_ids(world: World):
    assert raw_inputs.find([], ["a file that is not there"], world.transform_graph.uri) == {}
