"""Writes the results of a run in the forms that Kubeflow Pipelines and Vertex AI display."""
