"""One answer for all processes of a job to a question that each answers for itself.

A process that ends its training while the others go on leaves them waiting for its gradients. So what only one may
have heard, such as a request to end, is asked for in all of them at the same step, and added up.
"""

from __future__ import annotations

from collections.abc import Callable

from limbeck.aliases import Strategy, Tensor


def any_process(strategy: Strategy) -> Callable[[bool], bool]:
    """Makes the function that says whether the answer of any process is True.

    Every process must call it equally often, because each call waits for all of them.
    """
    import tensorflow as tf

    def votes(mine: Tensor) -> Tensor:
        # A value of its own on each replica: some strategies do not add up one that they share.
        return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(mine))

    @tf.function(autograph=False)
    def count(mine: Tensor) -> Tensor:
        return strategy.experimental_local_results(strategy.run(votes, args=(mine,)))[0]

    return lambda mine: float(count(tf.constant(float(mine)))) > 0
