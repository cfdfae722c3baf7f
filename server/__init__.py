"""Answers requests with the students that were pushed. It runs in its own environment.

The server is KServe's ModelServer. It needs a protobuf that TFX cannot have, so it is installed apart from TFX
(`make install-server`), and nothing here imports a module of Limbeck outside of this folder but `limbeck.temporary`.
KServe provides the protocols (Open Inference Protocol by REST and gRPC), health checks and metrics. This package adds
what KServe lacks: loading and unloading versions of a folder under load, TensorFlow Serving's request formats, batches,
and several processes on the same ports with summed metrics.
"""
