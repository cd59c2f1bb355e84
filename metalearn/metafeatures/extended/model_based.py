"""The shape of a decision tree grown on the table."""

import numpy as np

from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.extended.classical import summaries, two
from metalearn.metafeatures.extended.discriminant import imputed
from metalearn.metafeatures.sample import Sample

__all__ = ["tree_shape"]

MAX_TREE_ROWS = 1_000
_NAN = "no numeric, boolean or categorical column that varies"


@meta_features(
    group="model-based",
    tier="all",
    reference="Peng et al., Improved dataset characterisation for meta-learning, Discovery Science 2002",
    names={
        "tree_leaves": ("Leaves of a fully grown decision tree on at most 1,000 rows", "leaves", _NAN),
        "tree_nodes": ("Inner nodes", "nodes", _NAN),
        "tree_max_depth": ("Depth", "levels", _NAN),
        "tree_nodes_per_attr": ("Inner nodes divided by columns", "ratio", _NAN),
        "tree_nodes_per_inst": ("Inner nodes divided by rows", "ratio", _NAN),
        **two({"tree_depth": ("depths of all nodes", "levels")}, _NAN),
        **two({"tree_leaves_branch": ("depths of the leaves", "levels")}, _NAN),
        **two({"tree_leaves_corrob": ("shares of the rows in the leaves", "share")}, _NAN),
        **two({"tree_leaves_homo": ("leaves divided by the leaves' shape", "ratio")}, _NAN),
        **two({"tree_leaves_per_class": ("shares of the leaves by class", "share")}, "regression"),
        **two({"tree_nodes_per_level": ("inner nodes by level", "nodes")}, _NAN),
        **two({"tree_nodes_repeated": ("inner nodes by column", "nodes")}, _NAN),
        **two({"tree_shape": ("leaves' shape, -2^-depth log2 2^-depth", "bits")}, _NAN),
        **two({"tree_imbalance": ("tree's imbalance by depth of the leaves", "bits")}, _NAN),
        **two({"tree_importance": ("columns' importances", "share")}, _NAN),
    },
)
def tree_shape(sample: Sample) -> dict[str, float]:
    """Return the shape of a fully grown tree on numeric columns and on the codes of the others."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: PLC0415 - slow to import

    rows = sample.some(MAX_TREE_ROWS)
    X = np.hstack([imputed(sample), sample.levels.T])[rows]
    if not X.shape[1] or not np.ptp(X, axis=0).any():
        return {}
    kind = DecisionTreeClassifier if sample.is_classification else DecisionTreeRegressor
    model = kind(random_state=sample.random_state).fit(X.clip(-1e37, 1e37), sample.target[rows])
    tree = model.tree_
    leaf = tree.children_left < 0
    depth = np.zeros(tree.node_count, dtype=int)
    for node in np.flatnonzero(~leaf):  # parents stand before their children
        depth[[tree.children_left[node], tree.children_right[node]]] = depth[node] + 1
    reached = 2.0 ** -depth[leaf]
    shape = -reached * np.log2(reached)
    chances, times = np.unique(reached, return_counts=True)
    imbalance = 2.0 ** -(chances * times)
    n_nodes, n_leaves = int((~leaf).sum()), int(leaf.sum())
    found = {
        "tree_leaves": n_leaves,
        "tree_nodes": n_nodes,
        "tree_max_depth": depth.max(),
        "tree_nodes_per_attr": n_nodes / X.shape[1],
        "tree_nodes_per_inst": n_nodes / len(X),
        **summaries("tree_depth", depth),
        **summaries("tree_leaves_branch", depth[leaf]),
        **summaries("tree_leaves_corrob", tree.n_node_samples[leaf] / len(X)),
        **summaries("tree_leaves_homo", n_leaves / shape),
        **summaries("tree_nodes_per_level", np.bincount(depth[~leaf])),
        **summaries("tree_nodes_repeated", np.unique(tree.feature[~leaf], return_counts=True)[1]),
        **summaries("tree_shape", shape),
        **summaries("tree_imbalance", -imbalance * np.log2(imbalance)),
        **summaries("tree_importance", model.feature_importances_),
    }
    if sample.is_classification:
        winners = np.argmax(tree.value[leaf, 0], axis=1)
        found |= summaries("tree_leaves_per_class", np.unique(winners, return_counts=True)[1] / n_leaves)
    return found
