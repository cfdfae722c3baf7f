"""Dropout that goes on exactly where it was after a restart.

Keras' own layer draws from a generator inside the process, and no checkpoint holds that generator. So a training that
died and went on drops other units than one that did not die, and ends with other weights. Here a mask is a pure
function of the layer's seed, of how often the layer has dropped before, and of the replica. Seed and count are a
weight of the layer, so they are saved, restored and copied like every weight.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras

_REPLICAS = 1 << 16


@tf_keras.saving.register_keras_serializable("limbeck")
class Dropout(tf_keras.layers.Layer):
    """Drops entries at random in training, and scales the others by 1 / (1 - rate), as `tf_keras.layers.Dropout`.

    The call takes inputs (floating point, of any shape) and `training`, and returns the shape and dtype of the inputs.
    The layer has one weight, `random_state`: int64 `[2]`, its seed and how often it has dropped.

    Args:
      rate: share of entries that is dropped, at least 0 and below 1.
      noise_shape: shape of the mask, which is broadcast to the inputs; None takes the shape of the inputs.
      seed: two layers with the same seed drop the same entries. None draws a seed from Keras' generator, as for initial
        weights; `tf_keras.utils.set_random_seed` seeds that generator.

    Raises:
      ValueError: if `rate` is out of range.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: tuple[int | None, ...] | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not 0 <= rate < 1:
            raise ValueError(f"the rate of a Dropout layer must be at least 0 and below 1, received {rate}")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Makes the weight `random_state`."""
        # On-read: each replica counts for itself, so the model needs no synchronization of replicas. The counts
        # of all replicas are equal, so the first replica's count is saved.
        self.random_state = self.add_weight(
            name="random_state",
            shape=[2],
            dtype=tf.int64,
            initializer=self._initial_state,
            trainable=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Drops entries if `training` is true: a bool, an int, or a scalar tensor. None is false."""
        if training is None:
            return tf.identity(inputs)
        if tf.is_tensor(training):
            return tf.cond(tf.cast(training, tf.bool), lambda: self._drop(inputs), lambda: tf.identity(inputs))
        return self._drop(inputs) if training else tf.identity(inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the constructor."""
        own = {"rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}
        return {**super().get_config(), **own}

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the inputs."""
        return input_shape

    def _drop(self, inputs: Any) -> Any:
        state = tf.convert_to_tensor(self.random_state)
        # TensorFlow hashes the two numbers. They must only differ between different (seed, replica, count).
        seed = tf.stack([state[0] * _REPLICAS + _replica(), state[1]])
        dropped = tf.nn.experimental.stateless_dropout(
            inputs, self.rate, seed, rng_alg="philox", noise_shape=self._shape_of_mask(inputs)
        )
        self.random_state.assign_add(tf.constant([0, 1], tf.int64))
        return dropped

    def _shape_of_mask(self, inputs: Any) -> Any:
        if self.noise_shape is None:
            return None
        sizes = tf.shape(inputs)
        return [sizes[axis] if size is None else size for axis, size in enumerate(self.noise_shape)]

    def _initial_state(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        if self.seed is not None:
            return tf.constant([self.seed, 0], dtype)
        drawn = tf_keras.initializers.RandomUniform(0, 2**31 - 1)([1], dtype)
        return tf.concat([drawn, [0]], axis=0)


def _replica() -> Any:
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group if context else 0, tf.int64)
