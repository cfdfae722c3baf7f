"""Writes a first version of a task from a table.

The role of a column cannot be inferred from its values alone: 3 may be an amount or the number of a shop. So the first
version of the task runs without changes, and its comments say where it guessed. It contains only the parts that are
specific to the table; the parts that are the same for all tables are in `limbeck.tabular`.
"""
