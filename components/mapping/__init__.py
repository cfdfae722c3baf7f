"""Calls a function of a file for many files, on the workers of a cluster that is there already."""
