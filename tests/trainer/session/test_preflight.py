"""What is told before the first step."""

import pytest

from limbeck.trainer.data.order import Order
from limbeck.trainer.session.preflight import batch_remarks


def test_a_batch_that_holds_more_than_the_split_is_told():
    """All epochs became one step, and the only sign was a model that had learnt nothing."""
    [told] = batch_remarks(Order(108, 64000, 100, seed=0), "the teacher of task 'wine'")

    assert told == (
        "the teacher of task 'wine': a batch holds 64,000 examples, and the training split only 108, so 100 epochs are "
        "no more than 1 step: lower training.batch_size, or the model hardly learns"
    )
    [several] = batch_remarks(Order(108, 640, 100, seed=0), "the teacher")
    assert "100 epochs are no more than 17 steps" in several


@pytest.mark.parametrize("batch_size", [1, 107, 108])
def test_a_batch_that_is_no_larger_than_the_split_is_not(batch_size: int):
    assert batch_remarks(Order(108, batch_size, 100, seed=0), "the teacher") == []
