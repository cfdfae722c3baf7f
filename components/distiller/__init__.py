"""Trains the student."""
