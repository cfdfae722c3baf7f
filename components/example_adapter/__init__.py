"""Converts examples and transform graph of another pipeline into the form that our nodes read."""
