"""Names for the types of packages that have no type information.

TensorFlow and tf_keras are not typed, and a module must not import them when it is loaded. So each alias here is `Any`
for the type checker. It tells the reader what a signature takes, and can become a real type when the packages are
typed.
"""

from __future__ import annotations

from typing import Any

Tensor = Any
"""A tf.Tensor, or a NumPy array that TensorFlow accepts as one."""

Gradient = Any
"""The gradient of a variable: a tf.Tensor, or tf.IndexedSlices (embeddings have those)."""

Variable = Any
"""A tf.Variable. It may be distributed over the replicas of a strategy."""

Features = dict[str, Any]
"""Tensors by feature name: the inputs of a model, or its targets."""

FeatureSpec = dict[str, Any]
"""How to parse each feature of a tf.Example, by name: tf.io.FixedLenFeature, tf.io.VarLenFeature and so on."""

Batch = Any
"""One batch for all replicas of a process, in the form that `tf.distribute.Strategy.run` takes in `args`."""

Dataset = Any
"""A tf.data.Dataset."""

DatasetIterator = Any
"""The iterator that `iter` returns for a tf.data.Dataset. It may be an argument of a tf.function."""

InputContext = Any
"""A tf.distribute.InputContext. It tells an input pipeline which one of several it is."""

Strategy = Any
"""A tf.distribute.Strategy."""

KerasModel = Any
"""A tf_keras.Model."""

KerasMetric = Any
"""A tf_keras.metrics.Metric."""

Optimizer = Any
"""A tf_keras.optimizers.Optimizer."""

LearningRate = Any
"""A float, or a tf_keras.optimizers.schedules.LearningRateSchedule."""

TransformOutput = Any
"""A tensorflow_transform.TFTransformOutput: the transform graph, and the specs of its inputs and outputs."""

Layer = Any
"""A tf_keras.layers.Layer."""
