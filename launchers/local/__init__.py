"""Trains on the machine of the launching process."""
