"""Stages on rows that are larger than the memory of a worker."""
