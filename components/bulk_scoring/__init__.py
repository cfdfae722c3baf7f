"""Scores files of raw data with a pushed student, by Beam: what `python pipeline.py predict` runs."""
