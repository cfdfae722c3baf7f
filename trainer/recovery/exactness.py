"""Which parts of a model, or of its optimizer, depend on what no checkpoint holds.

A training that died and went on equals one that did not, bit for bit, only where every random number is a function
of saved state. A list of unsafe layer classes would miss a user's own; so the graph of a training step is searched
for the operations themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from limbeck.aliases import KerasModel, Optimizer, Tensor

# Operations whose next value depends on a counter or generator inside the process.
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
    """Names, sorted, of the layers that draw, in training, what a restart draws differently; `outer/inner` is one
    within another.

    Such are stock Dropout, noise and random augmentation with a rate above 0, a layer's own calls of `tf.random`, and
    Python functions in the graph, of which nothing can be known. `limbeck.layers.dropout.Dropout` is exact.

    Args:
      model: a tf_keras model, built outside of any strategy.
      graph: the tf.Graph of a training step of it; None has a model with known inputs traced. It is not run.
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
    """The optimizer's class where it is one that depends on more than its variables; otherwise None."""
    import tf_keras

    inner = getattr(optimizer, "inner_optimizer", optimizer)
    # It counts its updates in Python: while a graph is traced, and not when it runs.
    return type(inner).__name__ if isinstance(inner, tf_keras.optimizers.Nadam) else None


def warning(model: KerasModel, optimizer: Optimizer, graph: Any = None) -> str | None:
    """What to tell of a model and its optimizer; None where both are exact. `inexact_layers` says what `graph` is."""
    parts = [f"layer '{name}'" for name in inexact_layers(model, graph)]
    named = inexact_optimizer(optimizer)
    if named:
        parts.append(f"optimizer {named}")
    if not parts:
        return None
    return (
        f"no checkpoint holds all that these depend on: {', '.join(parts)}. A training that is interrupted goes on, "
        "but ends with other weights than it would have; limbeck.layers.dropout.Dropout, and optimizers such as Adam, "
        "are exact"
    )


def _is_random(node: Any, library: Mapping[str, Any]) -> bool:
    """Whether an operation is random, or calls a function that is."""
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
    """The layer that an operation is of, which is named by who calls whom: layers from the outside in, joined by /."""
    here, path = model, []
    for part in operation.split("/"):
        inner = next((one for one in here.submodules if getattr(one, "name", None) == part), None)
        if inner is not None:
            here = inner
            path.append(part)
    return "/".join(path) or operation
