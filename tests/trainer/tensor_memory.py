"""The memory that tensors take, as TensorFlow counts it.

TensorFlow counts it only where it uses oneDNN, which is off by default on a processor without AVX-512, and a process
chooses before it has a tensor. So what is counted runs in a process of its own, which all tests of this one share.
(The best-fit allocator always counts, but rounds a tensor up to twice its size.)
"""

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor


class Used:
    """How many megabytes tensors take, beside those that were there at the beginning."""

    def __init__(self):
        self.begin()

    def begin(self):
        """Begins again, from now on."""
        import tensorflow as tf

        self._before = tf.config.experimental.get_memory_info("CPU:0")["current"]
        tf.config.experimental.reset_memory_stats("CPU:0")

    def __call__(self, kind):
        """Returns what they take now (`current`), or took at most since the beginning (`peak`)."""
        import tensorflow as tf

        return (tf.config.experimental.get_memory_info("CPU:0")[kind] - self._before) / 2**20


def counting(function, *arguments):
    """Returns `function(used, *arguments)`, called in the process that counts. `used` is a `Used`."""
    return _process().submit(_counted, function, arguments).result()


@functools.cache
def _process():
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _choose_one_dnn)


def _choose_one_dnn():
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"


def _counted(function, arguments):
    return function(Used(), *arguments)
