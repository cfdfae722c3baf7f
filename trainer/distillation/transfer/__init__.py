"""Transfer objectives: what a student learns from its teachers' answers, with one file for each.

A file holds pure functions with shapes and the paper. Each returns one value an example, so that sums can be divided by
counts of the global batch (`limbeck.trainer.distillation.losses`). `registry` names them, says for which kinds of label
they make sense, and adds them up by their weights.
"""
