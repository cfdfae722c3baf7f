"""Compares models on the same examples, and says how sure that is."""
