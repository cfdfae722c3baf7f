"""A model that ends in probabilities is refused by every kind of label that makes them itself, and by no other."""

from typing import Any

import pytest
import tensorflow as tf
import tf_keras

from limbeck.errors import TaskError
from limbeck.objectives.registry import objective_of
from limbeck.task import Label
from limbeck.trainer.session import contract

LABELS = {
    "classes": Label("y", ("a", "b")),
    "binary": Label("y", objective="binary"),
    "multi_label": Label("y", objective="multi_label", columns=("a", "b")),
}
ENDINGS: dict[str, Any] = {
    "activation": tf_keras.layers.Dense(2, activation="sigmoid"),
    "operation": lambda hidden: tf.sigmoid(tf_keras.layers.Dense(2)(hidden)),
    "layer": lambda hidden: tf_keras.layers.Softmax()(tf_keras.layers.Dense(2)(hidden)),
}


def ending_in(layer: Any) -> Any:
    x = tf_keras.Input([3])
    return tf_keras.Model(x, layer(x))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", LABELS)
def test_probabilities_are_refused(kind: str, ending: str):
    activation = objective_of(LABELS[kind]).activation

    assert activation == ("softmax" if kind == "classes" else "sigmoid")
    with pytest.raises(
        TaskError, match=f"the teacher must end in logits, but .* all take the {activation} of what"
    ):
        contract.assert_logits(ending_in(ENDINGS[ending]), "the teacher", activation)


def test_logits_are_accepted_and_a_number_may_end_in_anything():
    contract.assert_logits(ending_in(tf_keras.layers.Dense(1)), "the teacher", "sigmoid")
    assert objective_of(Label("y", kind="number", objective="regression")).activation is None
