"""Trains the ensemble of teachers."""
