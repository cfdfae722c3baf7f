"""Arrays are written and read one at a time: all of them may be larger than the memory."""

import tracemalloc
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from limbeck.errors import TrainingFailedError
from limbeck.trainer.recovery import array_file, checkpoint
from limbeck.trainer.recovery.checkpoint_files import State

COUNT, LENGTH = 16, 2**19
BYTES = LENGTH * 4


class Made(Mapping[str, np.ndarray]):
    """Arrays that are made when they are asked for; one of them may be broken."""

    def __init__(self, broken: int | None = None) -> None:
        self.broken, self.asked = broken, []

    def __getitem__(self, name: str) -> np.ndarray:
        self.asked.append(name)
        number = int(name.partition("/")[2])
        return np.full(LENGTH, np.nan if number == self.broken else number, np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter([f"weights/{number:04d}" for number in range(COUNT)])

    def __len__(self) -> int:
        return COUNT


@pytest.fixture
def peak():
    """Returns a function that returns how many arrays were in memory at the most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] / BYTES
    tracemalloc.stop()


def test_a_checkpoint_is_written_and_read_with_the_memory_of_a_few_arrays(tmp_path, peak):
    arrays = Made()
    checkpoint.save(str(tmp_path), State(0, 5, arrays), keep=1)
    # Each was read once, from wherever it is.
    assert arrays.asked == list(arrays)
    found = checkpoint.latest(str(tmp_path))
    assert found is not None and list(found.arrays) == list(arrays)
    for number, name in enumerate(found.arrays):
        assert array_file.type_of(found.arrays, name).shape == (LENGTH,)
        np.testing.assert_array_equal(found.arrays[name], np.full(LENGTH, number, np.float32))
    assert peak() < 5


def test_what_was_written_before_a_nan_is_removed(tmp_path):
    checkpoint.save(str(tmp_path), State(0, 5, {"weights/0000": np.zeros(3)}), keep=1)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(TrainingFailedError, match=r"after step 10, weights/0007 contains values that are not"):
        checkpoint.save(str(tmp_path), State(0, 10, Made(broken=7)), keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
