"""Runs a compiled pipeline as Kubeflow Pipelines would, on one machine and without a cluster.

A pipeline that runs locally may still fail on a cluster: the API server refuses a misspelt field, the driver drops the
types of artifacts, the launcher passes paths below `/minio`, Argo refuses a name. TFX's local runner has none of these
rules. This package is a model of KFP's API server, driver, launcher and of the part of Argo between them, with the real
ML Metadata store, a bucket, and a namespace of the kernel as each step's pod. It reads the compiled file only.

The packages: `upload` (what the API server accepts), `workflow` (the compile step, and Argo), `driver`, `launcher`,
`pod` (the namespace), `cel` (conditions). Their shared modules are beside them.
"""
