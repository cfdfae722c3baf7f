"""The scale of logits is the one that a search over all of them finds."""

import numpy as np
import pytest
from scipy import optimize, special

from limbeck.trainer.search.confidence import best_scale


def log_loss(logits, labels):
    return lambda scale: float(np.mean(special.logsumexp(scale * logits, axis=1) - scale * logits[labels]))


@pytest.mark.parametrize("true", [0.1, 1.0, 7.0])
def test_it_finds_the_scale_at_which_the_answers_are_as_sure_as_they_are_right(true):
    generator = np.random.default_rng(0)
    right = 2 * generator.standard_normal([5_000, 4])
    drawn = (right + generator.gumbel(size=right.shape)).argmax(axis=1)
    labels = np.eye(4, dtype=bool)[drawn]

    found = best_scale(log_loss(right / true, labels))

    assert found == pytest.approx(true, rel=0.1)
    exact = optimize.minimize_scalar(log_loss(right / true, labels), bounds=(0.01, 50), method="bounded").x
    assert found == pytest.approx(exact, rel=1e-3)


def test_where_every_answer_is_right_it_stays_finite():
    labels = np.eye(3, dtype=bool)
    # Above about 37, the loss rounds to 0.
    assert 30 < best_scale(log_loss(np.eye(3), labels)) <= 50
    # And where every answer is wrong, it is small.
    assert best_scale(log_loss(1 - np.eye(3), labels)) == pytest.approx(1 / 50, rel=0.01)
