"""What has to be changed in TFX's compiled pipeline before Kubeflow Pipelines runs it: one reason a file.

Each module holds one pure function, spec -> spec, that leaves its argument as it is. A check returns the spec
unchanged, or raises ConfigError. `NEEDED_BY` names the versions of KFP that need it, `DEFECT` where the cause lies:
when that is mended, the module and its line in `limbeck.kubeflow.compile` go.
"""
