"""Where the variables of a model in stages are made."""

import numpy as np
import pytest

from limbeck.trainer.pipelining import placement
from limbeck.trainer.pipelining.blocks import blocks_of, layout
from limbeck.trainer.pipelining.profile import costs
from limbeck.trainer.pipelining.sketch import sketched
from tests.trainer.pipelining.models import MODELS, batch, built


@pytest.mark.parametrize("name", MODELS)
def test_the_model_that_is_placed_has_the_weights_of_one_that_is_not(name):
    plain = built(name)
    with sketched() as made:
        sketch = built(name)
    found = layout(sketch, "the model", "a test")
    cuts = found.graph.cuts()[:1]
    blocks = blocks_of(found, cuts)
    costs(found, cuts, blocks, sketch._flatten_to_reference_inputs(batch().inputs), made)
    with placement.placed(placement.places(made, blocks, ("/cpu:0", "/cpu:0"))):
        model = built(name)
    for one, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
