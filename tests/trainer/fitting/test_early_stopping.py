import functools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.trainer.fitting.early_stopping import Streak


def streak_of(losses):
    return functools.reduce(Streak.after, losses, Streak())


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 4))
def test_a_training_is_over_if_none_of_the_last_losses_is_lower_than_the_best_before(losses, patience):
    before, last = losses[:-patience], losses[-patience:]
    assert (streak_of(losses).since >= patience) == (bool(before) and min(last) >= np.min(before))


def test_nothing_is_over_before_it_began():
    assert streak_of([]).since == 0


@pytest.mark.parametrize(("losses", "over"), [
    ([1.0, math.nan], True), ([math.nan, 1.0], False), ([1.0, math.inf, 0.5], False),
])  # fmt: skip
def test_a_loss_of_nan_is_not_an_improvement(losses, over):
    assert (streak_of(losses).since >= 1) is over
