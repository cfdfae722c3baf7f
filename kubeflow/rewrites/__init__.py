"""The changes that TFX's compiled pipeline needs before Kubeflow Pipelines can run it: one reason in each file.

Each module has one pure function, spec -> spec, that does not change its argument. A check returns the spec unchanged,
or raises ConfigError. `NEEDED_BY` names the versions of KFP that need the rewrite, and `DEFECT` says where the cause
is. When the cause is fixed, the module and its line in `limbeck.kubeflow.compile` can be removed.
"""
