"""The rules for a task's model. With them, training here equals Keras' `fit`, and the model can be served.

Without these rules, a part of a model would be silently ignored, or would fail under sixty stack frames of Keras. Each
rule is a function that raises a TaskError for one such part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import TaskError, nearest

# Methods that `fit`, `evaluate` and `predict` call and the training loop does not. A subclass may override them.
_STEPS = (
    "train_step", "test_step", "predict_step", "compute_loss", "make_train_function", "make_test_function",
    "make_predict_function",
)  # fmt: skip
# The largest rounding error of a softmax in float16.
_ROUNDING = 2e-3
_PROBABILITIES = ("softmax", "softmax_v2", "sigmoid", "hard_sigmoid")


def assert_uncompiled(model: KerasModel, who: str) -> None:
    """Refuses a compiled model, because its optimizer, losses and metrics would be ignored.

    Args:
      model: the model that the task built.
      who: the beginning of messages, such as `the teacher of task 'wine'`.

    Raises:
      TaskError: if the model is compiled.
    """
    if getattr(model, "compiled_loss", None) is not None:
        raise TaskError(
            f"{who} must not be compiled, because its optimizer and losses would be ignored: leave out compile(), "
            "and give the task a build_optimizer if Adam will not do"
        )


def assert_stock_steps(model: KerasModel, who: str) -> None:
    """Raises TaskError if a model overrides a training step, because only `fit` would call the step."""
    import tf_keras

    own = [name for name in _STEPS if getattr(type(model), name) is not getattr(tf_keras.Model, name)]
    if own:
        raise TaskError(
            f"{who} overrides {', '.join(own)}, which only Keras' fit, evaluate and predict call: move what it "
            "computes into call() and layers, and what it adds to the loss into add_loss()"
        )


def assert_no_metrics(model: KerasModel, who: str) -> None:
    """Raises TaskError if the model contains metrics, because nobody would read them. Call the model first."""
    names = sorted({metric.name for metric in model.metrics})
    if names:
        raise TaskError(
            f"{who} has metrics of its own ({', '.join(names)}), which nothing here reads, and which would change "
            "while the model serves: leave out add_metric()"
        )


def assert_takes(model: KerasModel, given: Mapping[str, Any], who: str) -> None:
    """Refuses a model if an input that it declares is not an output of `preprocessing_fn`, by name, type and shape.

    Keras silently matches inputs with other names by their order. `preprocessing_fn` may return more than the model
    declares, so a student may read fewer features than its teacher.

    Args:
      model: the model. A subclass of tf_keras.Model declares no inputs, so it passes. A mistake shows when it is
        called.
      given: the tf.TypeSpec of each output of `preprocessing_fn`, `[batch, ...]`, by name.
      who: the beginning of messages.

    Raises:
      TaskError: if a name is missing, if a type or shape differs, or if a Sequential has no InputLayer.
    """
    import tf_keras

    if not getattr(model, "_is_graph_network", False):
        if type(model) is tf_keras.Sequential:
            raise TaskError(
                f"{who} is a Sequential that does not say what it takes: begin it with tf_keras.layers.InputLayer("
                f"shape, name='...'), with a name that preprocessing_fn returns: {sorted(given)}"
            )
        return
    declared = model.input if isinstance(model.input, dict) else dict(
        zip(model.input_names, _flat(model.inputs), strict=True)
    )  # fmt: skip
    missing = [name for name in declared if name not in given]
    if missing:
        raise TaskError(
            f"{who} takes inputs {sorted(declared)}, but preprocessing_fn returns {sorted(given)}."
            f"{nearest(missing[0], given)} Inputs are matched by the name of the tf_keras.Input, or by the key if "
            "the model is built on a dictionary"
        )
    for name, wanted in declared.items():
        _assert_fits(name, wanted, given[name], who)


def assert_one_output(model: KerasModel, who: str) -> None:
    """Raises TaskError if the model returns a dictionary or a list of outputs. Call the model first."""
    import tensorflow as tf

    shape = model.output_shape
    if not isinstance(shape, tuple | tf.TensorShape) or any(isinstance(size, tuple) for size in shape):
        raise TaskError(
            f"{who} must return one tensor of logits, but returns several of shapes {shape}: leave the others out"
        )


def assert_trainable_weights(model: KerasModel, who: str) -> None:
    """Raises TaskError if the model has no trainable weights."""
    if not model.trainable_variables:
        why = "all its layers are frozen (trainable=False)" if model.weights else "it has no weights"
        raise TaskError(f"{who} has nothing to train: {why}. Leave at least one layer trainable")


def assert_same_weights(first: KerasModel, again: KerasModel, who: str) -> None:
    """Refuses a builder whose models differ, because each process, and the export, builds its own model.

    Args:
      first: a model of the builder.
      again: another model of the builder.
      who: the model in words.
    """
    # Keras counts a vocabulary as a weight, but it has no shape.
    shapes, others = (
        [tuple(one.shape) for one in model.weights if hasattr(one, "shape")] for model in (first, again)
    )
    if shapes == others:
        return
    differing = next((pair for pair in zip(shapes, others, strict=False) if pair[0] != pair[1]), None)
    told = differing or (len(shapes), len(others))
    raise TaskError(
        f"{who} must be the same model each time that it is built, because each process builds its own; its weights "
        f"were {told[0]}, and then {told[1]}: take what differs out of the builder, such as random numbers"
    )


def assert_logits(model: KerasModel, who: str, activation: str) -> None:
    """Refuses a model that visibly ends in probabilities: its last layer is a softmax or a sigmoid.

    Args:
      model: the model.
      who: the beginning of messages.
      activation: the function that the objective applies to the outputs, `softmax` or `sigmoid`.

    Raises:
      TaskError: if the model ends in probabilities.
    """
    found = _probabilities(model)
    if found:
        raise TaskError(
            f"{who} must end in logits, but {found}: losses, soft targets and the served probabilities all take the "
            f"{activation} of what a model returns. Leave the last activation out"
        )


def assert_no_probabilities(outputs: Any, who: str) -> None:
    """Raises TaskError if the outputs are probabilities. A model may hide its softmax, for example in a function.

    Args:
      outputs: float32 NumPy array `[batch, classes]`: what the model returns for the first batch.
      who: the beginning of messages.
    """
    if outputs.size and outputs.min() >= 0 and abs(outputs.sum(axis=-1) - 1).max() < _ROUNDING:
        raise TaskError(
            f"{who} must end in logits, but its outputs are never negative and sum to 1 for each example of the first "
            "batch, so they are probabilities: losses, soft targets and the served probabilities all take the softmax "
            "of what a model returns. Leave its own softmax out, also one in a Lambda layer or in call()"
        )


def assert_examples_kept(features: Mapping[str, Any], examples: int, task: str) -> None:
    """Refuses an augmentation that changes the number of examples.

    The shapes of a dataset do not tell the number of examples, so the first batch does.

    Args:
      features: the first batch after the task's `augment`, by name.
      examples: the number of labels of that batch.
      task: name of the task.

    Raises:
      TaskError: if a feature has another number of examples.
    """
    for name, values in features.items():
        made = int(values.dense_shape[0]) if hasattr(values, "dense_shape") else int(values.shape[0])
        if made != examples:
            raise TaskError(
                f"augment of task '{task}' must keep the number of examples, because their labels are not augmented: "
                f"it was given {examples}, and returns {made} of '{name}'. Change each example instead of adding any; "
                "every epoch augments anew"
            )


def assert_kept(augmented: Mapping[str, Any], given: Mapping[str, Any], task: str) -> None:
    """Refuses an augmentation that changes the names, the types or the shapes of the inputs.

    Args:
      augmented: the tf.TypeSpec of each output of the task's `augment`, by name.
      given: the tf.TypeSpec of each of its inputs, by name.
      task: name of the task.

    Raises:
      TaskError: if the two differ.
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
    """Returns which layer turns the outputs into probabilities, in words; None if no visible one does."""
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
