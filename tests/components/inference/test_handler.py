"""The Beam handler against the models that were saved."""

from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import RunInference
from apache_beam.testing.util import assert_that

from limbeck.components.inference.handler import TransformedExamplesHandler
from tests.components.world import World


def saved(world: World, model: str) -> str:
    return f"{world.models[model].uri}/Format-Serving"


def test_batches_of_any_size_give_what_the_models_answer(world: World):
    handler = TransformedExamplesHandler(saved(world, "teacher"))
    model = handler.load_model()
    examples = world.transformed["test"]

    for cuts in ([23], [1] * 23, [5, 1, 17], [22, 1]):
        parts = np.split(np.arange(23), np.cumsum(cuts)[:-1])
        results = [one for part in parts for one in handler.run_inference([examples[n] for n in part], model)]

        assert [one.example for one in results] == examples
        scored = np.stack([one.inference for one in results])
        assert scored.dtype == np.float32
        np.testing.assert_allclose(scored, world.logits("teacher", "test"), atol=1e-6)


def test_a_student_is_an_ensemble_of_one(world: World):
    handler = TransformedExamplesHandler(saved(world, "student"))

    [result] = handler.run_inference(world.transformed["test"][:1], handler.load_model())

    assert result.inference.shape == (1, 3)


def test_inside_a_pipeline_every_example_keeps_its_own_logits(world: World):
    # 61 and 7 examples: neither is a multiple of the smallest batch that Beam is asked for.
    examples = world.transformed["train"] + world.transformed["validation"]
    expected = np.concatenate([world.logits("student", split) for split in ("train", "validation")])
    wanted = dict(zip(examples, expected, strict=True))

    def equal(results: list[Any]) -> None:
        assert {one.example for one in results} == set(wanted)
        assert len(results) == len(wanted)
        for one in results:
            np.testing.assert_allclose(one.inference, wanted[one.example], atol=1e-6)

    with beam.Pipeline(argv=[]) as pipeline:
        handler = TransformedExamplesHandler(saved(world, "student"))
        assert_that(pipeline | beam.Create(examples) | RunInference(handler), equal)
