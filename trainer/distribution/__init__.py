"""Several processes and replicas that train as one."""
