"""Beam's workers import this module as a plugin, which Beam knows no other way to start. Then they count bytes."""

from limbeck.beam_processes import byte_counts

byte_counts.install()
