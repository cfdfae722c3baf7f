"""How training is spread over devices and processes: one file a strategy of `tf.distribute`, and their registry."""
