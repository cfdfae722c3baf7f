"""Names for the types of packages that ship none, so that a signature says what it takes.

TensorFlow and tf_keras have no type information, and may not be imported where a module is loaded. So each alias is
`Any` underneath: it is for the reader, and for the day when the packages are typed.
"""

from __future__ import annotations

from typing import Any

Tensor = Any
"""A tf.Tensor, or a NumPy array that TensorFlow takes for one."""

Gradient = Any
"""The gradient of a variable: a tf.Tensor, or tf.IndexedSlices, such as an embedding has."""

Variable = Any
"""A tf.Variable, also one that a strategy spreads over replicas."""

Features = dict[str, Any]
"""Tensors by the name of the feature: inputs of a model, or targets."""

FeatureSpec = dict[str, Any]
"""How to parse each feature of a tf.Example: tf.io.FixedLenFeature and the like, by name."""

Batch = Any
"""One batch of every replica of a process, as `tf.distribute.Strategy.run` takes it for its `args`."""

Dataset = Any
"""A tf.data.Dataset."""

DatasetIterator = Any
"""What `iter` makes of a tf.data.Dataset; it may be an argument of a tf.function."""

InputContext = Any
"""A tf.distribute.InputContext: which of several input pipelines is asked for."""

Strategy = Any
"""A tf.distribute.Strategy."""

KerasModel = Any
"""A tf_keras.Model."""

Optimizer = Any
"""A tf_keras.optimizers.Optimizer."""

LearningRate = Any
"""A float, or a tf_keras.optimizers.schedules.LearningRateSchedule."""

TransformOutput = Any
"""A tensorflow_transform.TFTransformOutput: the transform graph and the specs of what it takes and gives."""
