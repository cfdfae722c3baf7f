"""Trains in pods of a Kubernetes cluster."""
