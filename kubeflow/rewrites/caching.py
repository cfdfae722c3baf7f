"""Sets for every task whether its outputs may come from the cache.

TFX's compiler has one switch for the whole pipeline. Some nodes read data that are not their inputs, such as
AnomalyStop, which reads the accepted statistics. Such a node would come from the cache although its result has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Collection

from limbeck.errors import ConfigError
from limbeck.kubeflow.node_containers import Section
from limbeck.kubeflow.specification import Spec, tasks
from limbeck.settings.containers import resolved

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "TFX has enable_cache for a pipeline, and none for a node"


def set_caching(spec: Spec, never: Collection[str], section: Section) -> Spec:
    """A spec in which all tasks have a cache but those in `never`, those that were without one already, and those that
    the settings `containers` ask to have none.

    Raises:
      ConfigError: where the settings ask for the cache of a task that can have none.
    """
    spec = copy.deepcopy(spec)
    for name, task in tasks(spec):
        possible = task.get("cachingOptions", {}).get("enableCache", True) and name not in never
        if not possible and name in section and section[name].cache:
            raise ConfigError(
                f"containers.{name}.cache=true asks for what cannot be: what {name} finds depends on more than its "
                "inputs, so it is never taken from the cache. Leave it out"
            )
        task["cachingOptions"] = {"enableCache": possible and resolved(section, name).cache is not False}
    return spec
