"""Digests of code and of data: how the cache, checkpoints and processes tell whether two things are the same."""
