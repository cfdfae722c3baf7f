"""Compares models on the same examples, and says how certain the differences are."""
