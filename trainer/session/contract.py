"""What a task's model must be for the training loop to do with it what Keras' `fit` would, and for it to be served.

Each rule refuses one thing that would otherwise be ignored in silence, or fail below sixty frames of Keras. Each takes
what it needs of a tf_keras model, and raises TaskError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import TaskError, nearest

# What a subclass may override that `fit`, `evaluate` and `predict` call, and the loop does not.
_STEPS = (
    "train_step", "test_step", "predict_step", "compute_loss", "make_train_function", "make_test_function",
    "make_predict_function",
)  # fmt: skip
_PROBABILITIES = ("softmax", "softmax_v2", "sigmoid", "hard_sigmoid")


def assert_uncompiled(model: KerasModel, who: str) -> None:
    """Refuses a compiled model: its optimizer, losses and metrics would be ignored.

    Args:
      model: as the task built it.
      who: whose it is, as messages begin: `the teacher of task 'wine'`.
    """
    if getattr(model, "compiled_loss", None) is not None:
        raise TaskError(
            f"{who} must not be compiled, because its optimizer and losses would be ignored: leave out compile(), "
            "and give the task a build_optimizer where Adam will not do"
        )


def assert_stock_steps(model: KerasModel, who: str) -> None:
    """Refuses a model with steps of its own, which only `fit` would call."""
    import tf_keras

    own = [name for name in _STEPS if getattr(type(model), name) is not getattr(tf_keras.Model, name)]
    if own:
        raise TaskError(
            f"{who} overrides {', '.join(own)}, which only Keras' fit, evaluate and predict call: move what it "
            "computes into call() and layers, and what it adds to the loss into add_loss()"
        )


def assert_no_metrics(model: KerasModel, who: str) -> None:
    """Refuses metrics within the model, which nobody would read; known once the model was called."""
    names = sorted({metric.name for metric in model.metrics})
    if names:
        raise TaskError(
            f"{who} has metrics of its own ({', '.join(names)}), which nothing here reads, and which would change "
            "while the model serves: leave out add_metric()"
        )


def assert_takes(model: KerasModel, given: Mapping[str, Any], who: str) -> None:
    """Refuses a model whose declared inputs are not among those of `preprocessing_fn`, by name, type and shape.

    Keras would match inputs of other names by their order, without a word. It takes more inputs than a model declares,
    so a student may read fewer features than its teacher.

    Args:
      model: one without declared inputs (a subclass) is passed over: it is found out by a call.
      given: the tf.TypeSpec of each input, by name.
      who: as above.
    """
    import tf_keras

    if not getattr(model, "_is_graph_network", False):
        if type(model) is tf_keras.Sequential:
            raise TaskError(
                f"{who} is a Sequential that does not say what it takes: begin it with tf_keras.layers.InputLayer("
                f"shape, name='...'), named as one of what preprocessing_fn returns: {sorted(given)}"
            )
        return
    declared = model.input if isinstance(model.input, dict) else dict(
        zip(model.input_names, _flat(model.inputs), strict=True)
    )  # fmt: skip
    missing = [name for name in declared if name not in given]
    if missing:
        raise TaskError(
            f"{who} takes inputs {sorted(declared)}, but preprocessing_fn returns {sorted(given)}."
            f"{nearest(missing[0], given)} Inputs are matched by name: that of tf_keras.Input, or the key where the "
            "model is built on a dictionary"
        )
    for name, wanted in declared.items():
        _assert_fits(name, wanted, given[name], who)


def assert_one_output(model: KerasModel, who: str) -> None:
    """Refuses a dictionary or a list of outputs; known once the model was called."""
    import tensorflow as tf

    shape = model.output_shape
    if not isinstance(shape, tuple | tf.TensorShape) or any(isinstance(size, tuple) for size in shape):
        raise TaskError(
            f"{who} must return one tensor of logits, but returns several of shapes {shape}: leave the others out"
        )


def assert_trainable_weights(model: KerasModel, who: str) -> None:
    """Refuses a model without trainable weights."""
    if not model.trainable_variables:
        why = "all its layers are frozen (trainable=False)" if model.weights else "it has no weights"
        raise TaskError(f"{who} has nothing to train: {why}. Leave at least one layer trainable")


def assert_logits(model: KerasModel, who: str) -> None:
    """Refuses a model whose last layer makes probabilities, where that can be seen in the layer."""
    found = _probabilities(model)
    if found:
        raise TaskError(
            f"{who} must end in logits, but {found}: losses, soft targets and the served probabilities all take the "
            "softmax of what a model returns. Leave the last activation out"
        )


def assert_kept(augmented: Mapping[str, Any], given: Mapping[str, Any], task: str) -> None:
    """Refuses an augmentation that changes the names, the types or the shapes of the inputs.

    Args:
      augmented: the tf.TypeSpec of what `augment` of the task of this name returns, by name.
      given: the same of what it was given.
      task: name of the task.
    """
    names = sorted(given)
    if not isinstance(augmented, Mapping) or sorted(augmented) != names:
        received = sorted(augmented) if isinstance(augmented, Mapping) else type(augmented).__name__
        raise TaskError(f"augment of task '{task}' must return the inputs {names}, received {received}")
    for name in names:
        wanted, made = given[name], augmented[name]
        if made.dtype != wanted.dtype or not made.shape.is_compatible_with(wanted.shape):
            raise TaskError(
                f"augment of task '{task}' must keep the shape and the type of '{name}', "
                f"{_shown(wanted.shape)} of {wanted.dtype.name}, but returns {_shown(made.shape)} of {made.dtype.name}"
            )


def _flat(inputs: Any) -> list[Any]:
    return list(inputs) if isinstance(inputs, list | tuple) else [inputs]


def _assert_fits(name: str, wanted: Any, given: Any, who: str) -> None:
    import tensorflow as tf

    texts = [kind == tf.string for kind in (wanted.dtype, given.dtype)]
    shapes = [tf.TensorShape(one.shape) for one in (wanted, given)]
    if texts[0] == texts[1] and _fits(*shapes):
        return
    said = [
        f"{_shown(shape)} of {kind.name}" for shape, kind in zip(shapes, (wanted.dtype, given.dtype), strict=True)
    ]
    raise TaskError(f"{who} takes '{name}' as {said[0]}, but preprocessing_fn returns it as {said[1]}: change one")


def _fits(wanted: Any, given: Any) -> bool:
    if wanted.rank is None or given.rank is None or wanted.is_compatible_with(given):
        return True
    # Keras adds or drops a last axis of length 1.
    longer, shorter = (wanted, given) if wanted.rank > given.rank else (given, wanted)
    return bool(longer.rank == shorter.rank + 1 and longer[-1] == 1 and longer[:-1].is_compatible_with(shorter))


def _shown(shape: Any) -> str:
    if shape.rank is None:
        return "[any shape]"
    return "[" + ", ".join(["batch", *("any" if size is None else str(size) for size in shape[1:])]) + "]"


def _probabilities(model: KerasModel) -> str | None:
    """What makes probabilities of the outputs, in words; None where nothing that can be seen does."""
    import tf_keras

    output = getattr(model, "output", None) if getattr(model, "_is_graph_network", False) else None
    last = getattr(getattr(output, "_keras_history", None), "layer", None)
    if last is None:
        return None
    if isinstance(last, tf_keras.Model):
        return _probabilities(last)
    if isinstance(last, tf_keras.layers.Softmax):
        return f"its last layer '{last.name}' is a softmax"
    activation = getattr(getattr(last, "activation", None), "__name__", None)
    if activation in _PROBABILITIES:
        return f"its last layer '{last.name}' has the activation {activation.removesuffix('_v2')}"
    symbol = str(getattr(last, "symbol", ""))
    if symbol.rpartition(".")[2] in _PROBABILITIES:
        return f"its last operation is {symbol}"
    return None
