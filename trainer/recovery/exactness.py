"""Finds the parts of a model, and of its optimizer, whose state no checkpoint holds.

A resumed training equals an uninterrupted one bit for bit only if every random number is a function of saved state. A
list of unsafe layer classes would miss a user's own layers. So the graph of a training step is searched for the
operations themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from limbeck.aliases import KerasModel, Optimizer, Tensor

# Operations whose next value depends on a counter or a random generator inside the process.
_RANDOM = frozenset(
    {
        "AllCandidateSampler", "EagerPyFunc", "FixedUnigramCandidateSampler", "LearnedUnigramCandidateSampler",
        "LogUniformCandidateSampler", "Multinomial", "NonDeterministicInts", "ParameterizedTruncatedNormal", "PyFunc",
        "RandomGamma", "RandomPoisson", "RandomPoissonV2", "RandomShuffle", "RandomStandardNormal", "RandomUniform",
        "RandomUniformInt", "RngReadAndSkip", "RngSkip", "SampleDistortedBoundingBox", "SampleDistortedBoundingBoxV2",
        "StatefulRandomBinomial", "StatefulStandardNormal", "StatefulStandardNormalV2", "StatefulTruncatedNormal",
        "StatefulUniform", "StatefulUniformFullInt", "StatefulUniformInt", "ThreadUnsafeUnigramCandidateSampler",
        "TruncatedNormal", "UniformCandidateSampler",
    }
)  # fmt: skip


def inexact_layers(model: KerasModel, graph: Any = None) -> tuple[str, ...]:
    """Returns the sorted names of the layers whose random numbers in training differ after a restart.

    These are stock Dropout, noise and random augmentation with a rate above 0, layers that call `tf.random`, and layers
    with Python functions in the graph, which cannot be inspected. `limbeck.layers.dropout.Dropout` is exact.

    Args:
      model: a tf_keras model, built outside of any strategy.
      graph: the tf.Graph of a training step of the model, which is not run. None: the model is traced, and must have
        known inputs.

    Returns:
      The names. `outer/inner` is a layer within another layer.
    """
    graph_def = (_traced(model) if graph is None else graph).as_graph_def()
    library = {function.signature.name: function.node_def for function in graph_def.library.function}
    return tuple(sorted({_layer(node.name, model) for node in graph_def.node if _is_random(node, library)}))


def _traced(model: KerasModel) -> Any:
    import tensorflow as tf

    inputs = tf.nest.map_structure(lambda tensor: tensor.type_spec, model.input)

    @tf.function(autograph=False)
    def train(given: Tensor) -> Tensor:
        return model(given, training=True)

    return train.get_concrete_function(inputs).graph


def inexact_optimizer(optimizer: Optimizer) -> str | None:
    """Returns the name of the optimizer's class if the optimizer depends on more than its variables; otherwise None."""
    import tf_keras

    inner = getattr(optimizer, "inner_optimizer", optimizer)
    # Nadam counts its updates in Python: only when a graph is traced, not when it runs.
    return type(inner).__name__ if isinstance(inner, tf_keras.optimizers.Nadam) else None


def warning(model: KerasModel, optimizer: Optimizer, graph: Any = None) -> str | None:
    """Returns a warning that names all inexact parts; None if model and optimizer are exact.

    Args are those of `inexact_layers` and `inexact_optimizer`.
    """
    parts = [f"layer '{name}'" for name in inexact_layers(model, graph)]
    named = inexact_optimizer(optimizer)
    if named:
        parts.append(f"optimizer {named}")
    if not parts:
        return None
    return (
        f"no checkpoint holds everything that these depend on: {', '.join(parts)}. If the training is interrupted, it "
        "is resumed, but ends with other weights than without the interruption. limbeck.layers.dropout.Dropout and "
        "optimizers such as Adam are exact"
    )


def _is_random(node: Any, library: Mapping[str, Any]) -> bool:
    """Returns whether an operation is random, or calls a function with a random operation."""
    if node.op in _RANDOM:
        return True
    called = [name for name in _functions(node) if name in library]
    return any(_is_random(inner, library) for name in called for inner in library[name])


def _functions(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _layer(operation: str, model: KerasModel) -> str:
    """Returns the layer of an operation. The operation's name lists layers from the outermost inwards, joined by /."""
    here, path = model, []
    for part in operation.split("/"):
        inner = next((one for one in here.submodules if getattr(one, "name", None) == part), None)
        if inner is not None:
            here = inner
            path.append(part)
    return "/".join(path) or operation
