"""Requests that arrive together are one call of the model, and get the answers that they would get alone."""

import threading

import numpy as np
import tensorflow as tf

from limbeck.server.batching import Batches, batched
from limbeck.server.tensors import TensorInfo

INPUTS = (TensorInfo("text", "string", (-1,)), TensorInfo("x", "float32", (-1, 2)))
OUTPUTS = (TensorInfo("sum", "float32", (-1,)), TensorInfo("upper", "string", (-1,)))


def test_answers_are_those_of_single_calls():
    sizes = []

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None, 2], tf.float32)]
    )
    def model(text, x):
        tf.py_function(lambda rows: sizes.append(int(rows)), [tf.shape(x)[0]], [])
        return {"sum": tf.reduce_sum(x, axis=1), "upper": tf.strings.upper(text)}

    call = batched(model, INPUTS, OUTPUTS, Batches(4, 20_000))
    numbers = np.arange(16, dtype=np.float32).reshape(8, 2)
    answers = [None] * 8

    def ask(place):
        answers[place] = call(text=tf.constant([f"t{place}"]), x=tf.constant(numbers[place : place + 1]))

    threads = [threading.Thread(target=ask, args=[place]) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, answer in enumerate(answers):
        assert answer["sum"].numpy().tolist() == [numbers[place].sum()]
        assert answer["upper"].numpy().tolist() == [f"T{place}".encode()]
    # A batch waits long for its fourth request, so there are two.
    assert sizes == [4, 4]

    # A request that is larger than a batch is a call of its own.
    answer = call(text=tf.constant(["a"] * 5), x=tf.zeros([5, 2]))
    assert answer["sum"].numpy().tolist() == [0.0] * 5
    assert sizes == [4, 4, 5]


def test_two_versions_share_no_batch():
    """Requests of two versions met in one batch, and one of them was answered by the other's model."""

    def version(factor):
        @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 2], tf.float32)])
        def model(x):
            return {"sum": factor * tf.reduce_sum(x, axis=1)}

        return batched(model, INPUTS[1:], OUTPUTS[:1], Batches(2, 2000))

    versions, answers = [version(1.0), version(10.0)], [None] * 4

    def ask(place):
        answers[place] = versions[place % 2](x=tf.ones([1, 2]))["sum"].numpy().tolist()

    threads = [threading.Thread(target=ask, args=[place]) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[2.0], [20.0]] * 2
