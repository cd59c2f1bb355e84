"""Learned similarity of tasks: how often two tables fall into the same leaf of a forest."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from metalearn.recommenders.families import Codes, equal_weights, family_means
from metalearn.recommenders.scale import FloatArray

__all__ = ["ForestSimilarity"]

IntArray = npt.NDArray[np.int32]

_FACTORS = 12

_GROWN_ON = 1000
"""Families drawn for each tree, at most; the tasks of all families lie in its leaves."""


@dataclass(frozen=True, eq=False)
class ForestSimilarity:
    """Hold a forest as plain arrays, and the leaf in which each past task lies."""

    fill: FloatArray
    feature: IntArray
    threshold: FloatArray
    children: IntArray
    roots: IntArray
    leaves: IntArray
    family: Codes
    unseen: npt.NDArray[np.bool_]
    importance: FloatArray

    @classmethod
    def fit(
        cls,
        meta_features: FloatArray,
        profiles: npt.NDArray[np.floating],
        family: Codes,
        *,
        n_trees: int = 300,
        min_leaf: int = 2,
        random_state: int = 0,
    ) -> Self:
        """Grow the forest from meta-features (NaN if missing) to performance profiles."""
        from sklearn.tree import DecisionTreeRegressor  # noqa: PLC0415 - slow to import, only needed to fit

        known = np.isfinite(meta_features)
        means = family_means(np.where(known, meta_features, np.nan), family)
        fill = np.array([np.median(c[~np.isnan(c)]) if not np.isnan(c).all() else 0.0 for c in means.T])
        filled = np.where(known, meta_features, fill).astype(np.float32)
        if not len(fill):
            filled = np.zeros((len(filled), 1), np.float32)  # without meta-features all tasks share one leaf
        targets = np.ascontiguousarray(_factors(profiles, equal_weights(family)))
        members = np.argsort(family, kind="stable")  # tasks by family
        sizes = np.bincount(family)
        starts = np.cumsum(sizes) - sizes
        seeds = np.random.RandomState(random_state)
        trees, unseen = [], np.empty((len(sizes), n_trees), dtype=bool)
        for t in range(n_trees):
            seed = seeds.randint(np.iinfo(np.int32).max)
            drawn = np.random.RandomState(seed).randint(0, len(sizes), min(_GROWN_ON, len(sizes)), dtype=np.int32)
            counts = np.bincount(drawn, minlength=len(sizes))
            picked = (np.random.default_rng(seed).random(len(sizes)) * sizes).astype(np.intp)
            chosen = members[starts + picked][counts > 0]
            rows = np.sort(chosen)
            tree = DecisionTreeRegressor(min_samples_leaf=min_leaf, max_features=1 / 3, random_state=seed)
            tree.fit(filled[rows], targets[rows], sample_weight=counts[family[rows]].astype(float))
            trees.append(tree)
            unseen[:, t] = counts == 0
        nodes = [tree.tree_ for tree in trees]
        n_nodes = np.array([tree.node_count for tree in nodes])
        roots = (np.cumsum(n_nodes) - n_nodes).astype(np.int32)
        splitting = [tree.feature_importances_ for tree in trees if tree.tree_.node_count > 1]
        importance = np.mean(splitting, axis=0) if splitting else np.zeros(filled.shape[1])
        return cls(
            fill=fill,
            feature=np.concatenate([np.maximum(t.feature, -1) for t in nodes]).astype(np.int32),
            threshold=np.concatenate([t.threshold for t in nodes]),
            children=np.concatenate(
                [np.stack([t.children_left, t.children_right], axis=1) + r for t, r in zip(nodes, roots, strict=True)]
            ).astype(np.int32),
            roots=roots,
            leaves=np.stack([t.apply(filled) + r for t, r in zip(nodes, roots, strict=True)], axis=1).astype(np.int32),
            family=family,
            unseen=unseen[family],
            importance=importance[: len(fill)] / max(float(importance.sum()), 1e-12),
        )

    def left_out(self, rows: npt.NDArray[np.intp]) -> FloatArray:
        """Return the weights that all past tasks, but those of its family, would have for each row as a new task."""
        asked = self._in_leaves(self.leaves[rows], self.unseen[rows].astype(float))
        weights: FloatArray = (asked @ self._in_leaves(self.leaves, self._shares()).T).toarray()
        weights[self.family[rows][:, None] == self.family] = 0.0
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        return weights

    def _shares(self) -> FloatArray:
        """Return the weight of each task in its leaf of each tree."""
        n_families = int(self.family.max(initial=0)) + 1
        key = self.leaves.astype(np.int64) * n_families + self.family[:, None]
        groups, group, count = np.unique(key.ravel(), return_inverse=True, return_counts=True)
        n_in_leaf = np.bincount(groups // n_families, minlength=len(self.feature))
        shares: FloatArray = 1.0 / (count[group].reshape(key.shape) * n_in_leaf[self.leaves])
        return shares

    def _in_leaves(self, leaves: IntArray, values: FloatArray) -> csr_array:
        """Return values by task and leaf."""
        starts = np.arange(len(leaves) + 1) * leaves.shape[1]
        return csr_array((values.ravel(), leaves.ravel(), starts), shape=(len(leaves), len(self.feature)))

    def take(self, rows: npt.NDArray[np.intp]) -> Self:
        """Keep some of the past tasks in the leaves."""
        return replace(self, leaves=self.leaves[rows], family=self.family[rows], unseen=self.unseen[rows])

    def weights(self, meta_features: FloatArray) -> FloatArray:
        """Return how often each past task shares a leaf with a new one; sums to 1."""
        filled = np.where(np.isfinite(meta_features), meta_features, self.fill).astype(np.float32)
        node = self.roots.copy()
        while True:
            asked = self.feature[node]
            inner = asked >= 0
            if not inner.any():
                break
            right = filled[asked] > self.threshold[node]
            node = np.where(inner, self.children[node, right.astype(np.intp)], node)
        rows, trees = np.nonzero(self.leaves == node)
        key = self.family[rows].astype(np.int64) * len(node) + trees
        groups, group, count = np.unique(key, return_inverse=True, return_counts=True)
        n_in_leaf = np.bincount(groups % len(node), minlength=len(node))
        found = np.bincount(rows, 1.0 / (count[group] * n_in_leaf[trees]), len(self.leaves))
        weights: FloatArray = found / max(float(found.sum()), 1e-12)
        return weights


def _factors(profiles: npt.NDArray[np.floating], weights: FloatArray) -> FloatArray:
    """Compress profiles to their leading principal components: trees split for the same, only faster."""
    centred = (profiles - np.average(profiles, axis=0, weights=weights)).astype(float)
    _, axes = np.linalg.eigh(centred.T @ (weights[:, None] * centred))
    factors: FloatArray = centred @ axes[:, -_FACTORS:]
    return factors
