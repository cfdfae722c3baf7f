"""Decides whether the student is fit to serve."""
