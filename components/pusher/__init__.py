"""Puts a blessed student where it is served."""
