"""Runs a compiled pipeline as Kubeflow Pipelines would, on one machine and without a cluster.

A pipeline that runs locally may still die on a cluster: the API server refuses a misspelt field, the driver loses the
types of artifacts, the launcher hands out paths below `/minio`, Argo refuses a name. TFX's local runner knows none of
these rules. This package is a model of KFP's API server, driver, launcher and of the part of Argo between them, with
the real ML Metadata store, a bucket, and a namespace of the kernel as each step's pod. It reads the compiled file only.

Rooms: `upload` (what the API server accepts), `workflow` (the compile step, and Argo), `driver`, `launcher`, `pod`
(the namespace), `cel` (conditions). What they share lies beside them.
"""
