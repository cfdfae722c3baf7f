"""Pipeline parallelism: a model too large for one device, cut into stages that work at the same time."""
