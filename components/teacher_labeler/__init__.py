"""Writes the teachers' soft targets."""
