"""Tasks with metrics of their own, for the data of `tests.trainer.world`; some have one mistake."""

import dataclasses

import tensorflow as tf
import tf_keras

from tests.trainer.session import mistakes

metrics = tf_keras.metrics


class Largest(metrics.Metric):
    """The largest logit. The sum over replicas of such a state means nothing."""

    def __init__(self, name="largest_logit"):
        super().__init__(name)
        self.largest = self.add_weight(name="largest", initializer=tf_keras.initializers.Constant(-1e9))

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.largest.assign(tf.maximum(self.largest, tf.reduce_max(y_pred)))

    def result(self):
        return self.largest * 1.0


class Undefined(metrics.Metric):
    """Has no number to tell."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return tf.constant(float("nan"))


class Raising(metrics.Metric):
    """Raises for any batch."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        raise ValueError("no such batch")

    def result(self):
        return tf.constant(0.0)


class Several(Raising):
    """Results in a vector."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return tf.zeros([3])


def with_metrics(function):
    return dataclasses.replace(mistakes.TASK, name="metered", metrics=function)


TASK = with_metrics(
    lambda: [
        metrics.SparseTopKCategoricalAccuracy(2, name="top_2"),
        Largest(),
        metrics.SparseCategoricalCrossentropy(from_logits=True, name="cross_entropy"),
        Undefined(name="undefined"),
    ]
)
NOT_A_LIST = with_metrics(metrics.Mean)
NO_METRIC = with_metrics(lambda: ["accuracy"])
RAISING_BUILDER = with_metrics(lambda: {}["missing"])
TAKEN = with_metrics(lambda: [metrics.SparseCategoricalAccuracy(name="accuracy")])
COUNTED_UP = with_metrics(lambda: [metrics.AUC()])
RAISING = with_metrics(lambda: [Raising(name="raising")])
OF_PROBABILITIES = with_metrics(lambda: [metrics.CategoricalAccuracy(name="one_hot"), metrics.AUC(name="auc")])
SEVERAL = with_metrics(lambda: [Several(name="several")])
