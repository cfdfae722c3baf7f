"""Compiles the pipeline for Kubeflow Pipelines and Vertex AI.

The name shadows the published `kubeflow` package, which this project does not use.
"""
