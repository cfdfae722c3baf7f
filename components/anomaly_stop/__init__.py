"""Stops a run if its data have anomalies, or differ from the accepted data."""
