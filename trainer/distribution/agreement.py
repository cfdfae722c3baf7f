"""Gives all processes of a job the same answer to a question that each may answer differently.

If one process ends its training, the others wait for its gradients. A request to end may reach only one process. So all
processes are asked at the same step, and their answers are added up.
"""

from __future__ import annotations

from collections.abc import Callable

from limbeck.aliases import Strategy, Tensor


def any_process(strategy: Strategy) -> Callable[[bool], bool]:
    """Returns a function that takes this process's answer, and returns whether any process's answer is True.

    Every process must call the function equally often, because each call waits for all processes.
    """
    import tensorflow as tf

    def votes(mine: Tensor) -> Tensor:
        # Each replica gets its own copy, because some strategies do not add up a value that replicas share.
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(mine))

    @tf.function(autograph=False)
    def count(mine: Tensor) -> Tensor:
        return strategy.experimental_local_results(strategy.run(votes, args=(mine,)))[0]

    return lambda mine: float(count(tf.constant(float(mine)))) > 0
