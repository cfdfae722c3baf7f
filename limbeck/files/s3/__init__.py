"""`s3://bucket/key`, and `minio://bucket/key` for the object store of Kubeflow Pipelines. TensorFlow opens neither.

An object store has keys and no folders. `a/b` lies in the folder `a` because its key begins with `a/`; `a_b/c` begins
with `a` as well, and lies elsewhere. Consoles draw an empty folder as an object of no bytes whose key ends in a slash:
such a marker is a folder, and never a file.
"""
