"""Writes a first version of a task from a table.

What a column is cannot be known from its values alone: 3 may be an amount or the number of a shop. So the first version
runs as it is, and says where it guessed. It holds only what is particular to the table; what is the same for all tables
is in `limbeck.tabular`.
"""
