"""How training is spread over devices and processes: one file for each `tf.distribute` strategy, and a registry."""
