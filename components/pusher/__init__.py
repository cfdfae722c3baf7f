"""Puts a blessed student into the serving folder."""
