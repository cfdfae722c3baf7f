"""The values that recomputation keeps, against all choices of cuts."""

import itertools
import random

import pytest

from limbeck.trainer.pipelining.kept_values import kept_cuts


def peak(inner, crossing, cuts):
    bounds = [0, *(cut + 1 for cut in cuts), len(inner)]
    largest = max(sum(inner[begin:end]) for begin, end in itertools.pairwise(bounds))
    return sum(crossing[cut] for cut in cuts) + largest


@pytest.mark.parametrize("seed", range(100))
def test_no_choice_of_cuts_is_smaller(seed):
    draw = random.Random(seed)
    parts = draw.randint(1, 9)
    inner = [draw.randint(0, 30) for _ in range(parts)]
    crossing = [draw.randint(0, 12) for _ in range(parts - 1)]
    choices = itertools.chain.from_iterable(
        itertools.combinations(range(parts - 1), size) for size in range(parts)
    )
    found = kept_cuts(inner, crossing)
    assert peak(inner, crossing, found) == min(peak(inner, crossing, choice) for choice in choices)


def test_equal_layers_are_kept_about_as_often_as_the_root_of_their_number():
    cuts = kept_cuts([1] * 100, [1] * 99)
    assert 8 <= len(cuts) <= 11
    assert peak([1] * 100, [1] * 99, cuts) <= 2 * 10
