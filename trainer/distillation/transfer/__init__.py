"""Transfer objectives: what a student learns from its teachers' answers, with one file for each.

Each file holds pure functions, with their shapes and the paper. A function returns one value for each example, so that
sums can be divided by counts of the global batch (`limbeck.trainer.distillation.losses`). `registry` names the
objectives, says for which kinds of label they make sense, and computes their weighted sum.
"""
