"""Puts what a run found into the forms that Kubeflow Pipelines and Vertex AI draw."""
