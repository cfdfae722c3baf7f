"""Converts a model of another pipeline into a teacher."""
