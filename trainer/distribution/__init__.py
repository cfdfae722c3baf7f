"""Makes several processes and replicas train as one."""
