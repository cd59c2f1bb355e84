"""Learned similarity of tasks: how often two tables fall into the same leaf of a forest."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from metalearn.recommenders.scale import FloatArray

__all__ = ["ForestSimilarity"]

IntArray = npt.NDArray[np.int32]

_FACTORS = 12

_GROWN_ON = 1000
"""Past tasks that a tree is grown on at most, drawn anew for each; all of them lie in its leaves."""

_FEWEST_TREES = 20
"""Trees that must lack a whole family to be asked about a task of it as if it were new."""


@dataclass(frozen=True, eq=False)
class ForestSimilarity:
    """Hold a forest as plain arrays, and the leaf in which each past task lies.

    Parameters
    ----------
    fill : ndarray of shape (n_meta_features,)
        What stands for a missing meta-feature: the median of the past tasks.
    feature : ndarray of int, shape (n_nodes,)
        Meta-feature that a node asks about; -1 in a leaf.
    threshold : ndarray of shape (n_nodes,)
        Values up to it go to the left.
    children : ndarray of int, shape (n_nodes, 2)
        Left and right node.
    roots : ndarray of int, shape (n_trees,)
        First node of each tree.
    leaves : ndarray of int, shape (n_tasks, n_trees)
        Leaf of each past task.
    share : ndarray of shape (n_nodes,)
        One over the number of past tasks in a leaf.
    unseen : ndarray of bool, shape (n_tasks, n_trees)
        Which trees were grown without a past task.
    importance : ndarray of shape (n_meta_features,)
        How much each meta-feature contributes to the forest; sums to 1.

    References
    ----------
    Lin, Jeon. Random forests and adaptive nearest neighbors. Journal of the American Statistical Association, 2006.
    """

    fill: FloatArray
    feature: IntArray
    threshold: FloatArray
    children: IntArray
    roots: IntArray
    leaves: IntArray
    share: FloatArray
    unseen: npt.NDArray[np.bool_]
    importance: FloatArray

    @classmethod
    def fit(
        cls,
        meta_features: FloatArray,
        profiles: npt.NDArray[np.floating],
        *,
        n_trees: int = 300,
        min_leaf: int = 2,
        random_state: int = 0,
    ) -> Self:
        """Grow the forest from meta-features to performance profiles.

        Parameters
        ----------
        meta_features : ndarray of shape (n_tasks, n_meta_features)
            NaN where one is missing.
        profiles : ndarray of shape (n_tasks, n_configurations)
            What similar tasks have in common.
        n_trees : int, default=300
            Number of trees.
        min_leaf : int, default=2
            Fewest past tasks in a leaf.
        random_state : int, default=0
            Seed.

        Returns
        -------
        ForestSimilarity
            The forest.
        """
        from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - slow to import, only needed to fit

        known = np.isfinite(meta_features)
        fill = np.array([np.median(c[k]) if k.any() else 0.0 for c, k in zip(meta_features.T, known.T, strict=True)])
        filled = np.where(known, meta_features, fill).astype(np.float32)
        if not len(fill):
            filled = np.zeros((len(filled), 1), np.float32)  # without meta-features all tasks share one leaf
        forest = RandomForestRegressor(
            n_trees,
            min_samples_leaf=min_leaf,
            max_features=1 / 3,
            max_samples=min(_GROWN_ON, len(filled)),
            random_state=random_state,
        ).fit(filled, _factors(profiles))
        trees = [tree.tree_ for tree in forest.estimators_]
        sizes = np.array([tree.node_count for tree in trees])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)
        leaves = (forest.apply(filled) + roots).astype(np.int32)
        children = [
            np.stack([t.children_left, t.children_right], axis=1) + r for t, r in zip(trees, roots, strict=True)
        ]
        unseen = np.ones(leaves.shape, dtype=bool)
        for t, sample in enumerate(forest.estimators_samples_):
            unseen[sample, t] = False
        return cls(
            fill=fill,
            feature=np.concatenate([np.maximum(t.feature, -1) for t in trees]).astype(np.int32),
            threshold=np.concatenate([t.threshold for t in trees]),
            children=np.concatenate(children).astype(np.int32),
            roots=roots,
            leaves=leaves,
            share=1 / np.maximum(np.bincount(leaves.ravel(), minlength=int(sizes.sum())), 1),
            unseen=unseen,
            importance=forest.feature_importances_[: len(fill)],
        )

    def left_out(self, families: npt.NDArray[np.str_], rows: npt.NDArray[np.intp]) -> FloatArray:
        """Return the weights that past tasks would have got as new ones.

        Parameters
        ----------
        families : ndarray of str, shape (n_tasks,)
            Near-copies share one.
        rows : ndarray of int, shape (n_rows,)
            Which past tasks are asked about.

        Returns
        -------
        ndarray of shape (n_rows, n_tasks)
            From the trees that were grown without its family (without the task, where hardly any tree lacks all of a large
            family), and without the family's weights. Rows sum to 1, or to 0 where no leaf is shared.
        """
        _, family = np.unique(families, return_inverse=True)
        order = np.argsort(family, kind="stable")
        starts = np.flatnonzero(np.diff(family[order], prepend=-1))
        strangers = np.logical_and.reduceat(self.unseen[order], starts)[family[rows]]
        enough = strangers.sum(axis=1, keepdims=True) >= _FEWEST_TREES
        asked = self._in_leaves(self.leaves[rows], np.where(enough, strangers, self.unseen[rows]).astype(float))
        weights: FloatArray = (asked @ self._in_leaves(self.leaves, self.share[self.leaves]).T).toarray()
        weights[family[rows][:, None] == family] = 0.0
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        return weights

    def _in_leaves(self, leaves: IntArray, values: FloatArray) -> csr_array:
        """Return values by task and leaf."""
        starts = np.arange(len(leaves) + 1) * leaves.shape[1]
        return csr_array((values.ravel(), leaves.ravel(), starts), shape=(len(leaves), len(self.share)))

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the past tasks in the leaves.

        Parameters
        ----------
        rows : ndarray of int
            Which tasks, by row.

        Returns
        -------
        ForestSimilarity
            The same trees.
        """
        leaves = self.leaves[rows]
        count = np.bincount(leaves.ravel(), minlength=len(self.share))
        return replace(self, leaves=leaves, share=1 / np.maximum(count, 1), unseen=self.unseen[rows])

    def weights(self, meta_features: FloatArray) -> FloatArray:
        """Return how often each past task shares a leaf with a new one.

        Parameters
        ----------
        meta_features : ndarray of shape (n_meta_features,)
            Of the new task, NaN where one is missing.

        Returns
        -------
        ndarray of shape (n_tasks,)
            Sums to 1.
        """
        filled = np.where(np.isfinite(meta_features), meta_features, self.fill).astype(np.float32)
        node = self.roots.copy()
        while True:
            asked = self.feature[node]
            inner = asked >= 0
            if not inner.any():
                break
            right = filled[asked] > self.threshold[node]
            node = np.where(inner, self.children[node, right.astype(np.intp)], node)
        weights: FloatArray = (self.leaves == node) @ self.share[node]
        return weights / max(float(weights.sum()), 1e-12)


def _factors(profiles: npt.NDArray[np.floating]) -> FloatArray:
    """Compress profiles to their leading principal components, which is what the trees split for, only faster."""
    centred = (profiles - profiles.mean(axis=0)).astype(float)
    _, axes = np.linalg.eigh(centred.T @ centred)
    factors: FloatArray = centred @ axes[:, -_FACTORS:]
    return factors
