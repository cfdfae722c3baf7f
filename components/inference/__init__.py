"""Scores examples with models inside Beam."""
