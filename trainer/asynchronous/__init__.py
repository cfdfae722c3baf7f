"""Training in which no worker waits for another: the strategy `parameter_server`."""
