"""Preprocessing and models for a task whose data are a table of numbers and categories.

A user with a table wants neither to look up tensorflow_transform's analyzers nor to invent an architecture. But a task
must stay a plain file, in which each part can be replaced. So a `Table` names the columns, and has a method for each
part that a task needs: the features, the preprocessing, a teacher and a student.

If thresholds of a column matter, a plain network on scaled numbers is worse than trees. Here every number is encoded by
its rank among the training data (`limbeck.tabular.piecewise_linear`), so that a layer can learn thresholds.
"""

from limbeck.tabular.scale import Scale
from limbeck.tabular.table import Table

__all__ = ["Scale", "Table"]
