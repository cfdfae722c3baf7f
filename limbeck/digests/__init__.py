"""Digests of code and of data, by which the cache, checkpoints and processes compare them."""
