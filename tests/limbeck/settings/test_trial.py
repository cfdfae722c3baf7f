"""The part of the work that a check does."""

from __future__ import annotations

import itertools

import pytest

from limbeck.errors import ConfigError
from limbeck.settings import trial
from limbeck.settings.trial import Trial, sampled


def test_it_crosses_to_another_process():
    assert trial.read(Trial(100, 3).environment()) == Trial(100, 3)
    assert trial.read({}) is None
    with pytest.raises(ConfigError):
        trial.read({trial.ENVIRONMENT: '{"rows": 0, "steps": 1}'})


@pytest.mark.parametrize(("there", "count"), [(5, 10), (10, 10), (11, 10), (99, 10), (100, 10), (1000, 10)])
def test_a_sample_is_spread_over_the_start_without_repetition(there: int, count: int):
    found = list(sampled(range(there), count))

    assert len(found) == min(there, count)
    assert found == sorted(set(found))
    assert found[0] == 0
    # The last tenth of what is looked at has a row.
    assert found[-1] >= min(there, 10 * count) * (1 - 1 / count) - 1


def test_no_more_is_read_than_the_start_of_an_endless_file():
    counter = itertools.count()

    assert len(list(sampled(counter, 7))) == 7
    assert next(counter) == 70


def test_without_a_trial_everything_is_read():
    assert list(sampled(range(3), None)) == [0, 1, 2]


def test_rows_are_shared_among_files_and_many_files_are_not_all_read():
    part = Trial(rows=1000, steps=1)

    assert part.files([str(number) for number in range(3)]) == ["0", "1", "2"]
    many = part.files([str(number) for number in range(1000)])
    assert len(many) == len(set(many)) == 20
    assert part.rows_of_file(4) == 250
    assert part.rows_of_file(1000) == 20
