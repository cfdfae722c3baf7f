"""Clustering: the weights of each kernel share a few values, the centroids, which are trained further.

Han et al. (2016), "Deep compression" (arXiv:1510.00149). The centroids begin as those of k-means++. A clustered file is
not smaller by itself, because each weight still takes the same space, but gzip compresses the few values well.
"""

from __future__ import annotations

from limbeck.aliases import KerasModel
from limbeck.trainer.compression import technique
from limbeck.trainer.compression.technique import Stage

clusterable = technique.is_one_of("Dense", "Conv1D", "Conv2D", "Conv2DTranspose", "SeparableConv2D", "Embedding")


def check(model: KerasModel, stage: Stage) -> None:
    """Raises TaskError if no kernel can be clustered."""
    technique.assert_wrappable(model, clusterable, "be clustered", stage.who)


def wrap(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns a copy in which each weight of a kernel is one of the centroids. Weights that were pruned stay 0."""
    from tensorflow_model_optimization.clustering import keras as clustering
    from tensorflow_model_optimization.python.core.clustering.keras.experimental import cluster

    start = clustering.CentroidInitialization.KMEANS_PLUS_PLUS
    clusters = stage.config.clusters
    return technique.wrapped(
        model,
        lambda layer: cluster.cluster_weights(
            layer,
            number_of_clusters=clusters,
            cluster_centroids_init=start,
            preserve_sparsity=stage.pruned,
        ),
        clusterable,
        stage.who,
    )


def strip(model: KerasModel, stage: Stage) -> KerasModel:
    """Returns the model with its centroids as weights."""
    from tensorflow_model_optimization.clustering import keras as clustering

    return clustering.strip_clustering(model)


def remark(model: KerasModel, stage: Stage) -> str:
    """Returns what was clustered."""
    kept = " Weights that were pruned stayed 0." if stage.pruned else ""
    return (
        f"Clustering: each kernel has at most {stage.config.clusters} different values.{kept}"
        f"{technique.left(model, clusterable)}"
    )
