"""Draws small pictures as SVG for a page that carries everything in itself."""
