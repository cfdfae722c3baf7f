"""Draws small charts as SVG, for a page that needs no other file."""
