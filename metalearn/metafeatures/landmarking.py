"""How well simple, quick models do on a subsample."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from metalearn.metafeatures.association import rescaled_accuracy
from metalearn.metafeatures.base import meta_features
from metalearn.metafeatures.sample import Sample

__all__ = ["landmarks"]

N_FOLDS = 3
_N_TREES = 10
_NO_COLUMN = "no column that varies, or a class with a single row in the subsample only"
_SCORE = (
    "3-fold balanced accuracy on 500 rows, rescaled to 0 for chance and 1 for perfect; in regression R2, at least -1"
)


@meta_features(
    group="landmarking",
    tier="landmarks",
    reference="Pfahringer, Bensusan, Giraud-Carrier, Meta-learning by landmarking various learning algorithms, ICML 2000",
    names={
        "landmark_linear": (
            f"Ridge regression (in classification on the classes' indicators): {_SCORE}",
            "score",
            _NO_COLUMN,
        ),
        "landmark_bayes": (f"Gaussian naive Bayes: {_SCORE}", "score", "regression, or no column that varies"),
        "landmark_one_neighbour": (f"One nearest neighbour: {_SCORE}", "score", _NO_COLUMN),
        "landmark_ten_neighbours": (f"Ten nearest neighbours: {_SCORE}", "score", _NO_COLUMN),
        "landmark_stump": (f"Decision tree with one split: {_SCORE}", "score", _NO_COLUMN),
        "landmark_random_stump": (f"The same on one random column: {_SCORE}", "score", _NO_COLUMN),
        "landmark_shallow_tree": (f"Decision tree with three levels: {_SCORE}", "score", _NO_COLUMN),
        "landmark_tree": (f"Decision tree, fully grown: {_SCORE}", "score", _NO_COLUMN),
        "landmark_forest": (f"Ten randomised trees: {_SCORE}", "score", _NO_COLUMN),
        "landmark_half_forest": (f"Ten randomised trees on half of the training rows: {_SCORE}", "score", _NO_COLUMN),
        "landmark_forest_gain": ("Forest minus linear", "score", _NO_COLUMN),
        "landmark_tree_gain": ("Fully grown tree minus linear", "score", _NO_COLUMN),
        "landmark_neighbour_gain": ("Ten neighbours minus linear", "score", _NO_COLUMN),
        "landmark_depth_gain": ("Fully grown tree minus stump", "score", _NO_COLUMN),
        "landmark_rows_gain": ("Forest minus forest on half of the rows", "score", _NO_COLUMN),
    },
)
def landmarks(sample: Sample) -> dict[str, float]:
    """Return cross-validated scores of quick models on at most 500 rows of the encoded columns."""
    from sklearn import config_context  # noqa: PLC0415 - slow to import

    if not len(sample.design):
        return {}
    rows, by_class = sample.few, sample.is_classification
    X = np.ascontiguousarray(sample.design.read(rows).T)
    y = sample.groups[rows] if by_class else sample.responses[0, rows]
    folds = _folds(y, classification=by_class, random_state=sample.random_state)
    predicted: dict[str, Vector] = {}
    with config_context(assume_finite=True, skip_parameter_validation=True):  # checks take longer than such fits
        for fold in range(N_FOLDS):
            test = folds == fold
            for model in _models(sample.random_state, classification=by_class):
                for name, values in model(X[~test], y[~test], X[test]).items():
                    predicted.setdefault(name, np.empty_like(y))[test] = values
    scores = {
        f"landmark_{name}": rescaled_accuracy(y, values == y) if by_class else _r2(y, values)
        for name, values in predicted.items()
    }
    linear, forest = scores["landmark_linear"], scores["landmark_forest"]
    return scores | {
        "landmark_forest_gain": forest - linear,
        "landmark_tree_gain": scores["landmark_tree"] - linear,
        "landmark_neighbour_gain": scores["landmark_ten_neighbours"] - linear,
        "landmark_depth_gain": scores["landmark_tree"] - scores["landmark_stump"],
        "landmark_rows_gain": forest - scores["landmark_half_forest"],
    }


Vector = npt.NDArray[Any]
Model = Callable[[Vector, Vector, Vector], dict[str, Vector]]
"""Takes training rows, their target and test rows; returns predictions by the name of a landmark."""


def _r2(y: Vector, predicted: Vector) -> float:
    return max(float(1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)), -1.0)


def _folds(y: Vector, *, classification: bool, random_state: int) -> npt.NDArray[np.intp]:
    """Return a fold for every row; the classes, or in regression the ranks of the target, are spread evenly."""
    shuffled = np.random.default_rng(random_state).permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    folds = np.empty(len(y), dtype=np.intp)
    folds[order] = np.arange(len(y)) % N_FOLDS
    if not classification:  # each run of three neighbouring ranks in another order
        folds[order] = (
            np.random.default_rng(random_state)
            .permuted(np.resize(np.arange(N_FOLDS), (-(-len(y) // N_FOLDS), N_FOLDS)), axis=1)
            .ravel()[: len(y)]
        )
    return folds


def _models(random_state: int, *, classification: bool) -> list[Model]:
    models: list[Callable[..., dict[str, Vector]]] = [
        *(_linear, _neighbours),
        *(partial(trees, random_state) for trees in (_trees, _forests)),
    ]
    return [partial(model, classification=classification) for model in models] + [_bayes] * classification


def _bayes(X: Vector, y: Vector, test: Vector) -> dict[str, Vector]:
    from sklearn.naive_bayes import GaussianNB  # noqa: PLC0415 - slow to import

    return {"bayes": np.asarray(GaussianNB(var_smoothing=1e-3).fit(X, y).predict(test))}


def _grow(random_state: int, X: Vector, y: Vector, *, classification: bool, **options: Any) -> Any:
    """Return a tree for which all classes count alike."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: PLC0415 - slow to import

    kind = DecisionTreeClassifier if classification else DecisionTreeRegressor
    weights = (1 / np.maximum(np.bincount(y), 1))[y] if classification else None
    model = kind(random_state=random_state, **options)
    return model.fit(X.astype(np.float32), y, sample_weight=weights, check_input=False)


def _votes(tree: Any, test: Vector, *, depth: int | None = None) -> Vector:
    """Return what a tree cut at a depth says of test rows: shares of the classes, or a mean."""
    nodes = tree.apply(test.astype(np.float32), check_input=False)
    grown = tree.tree_
    if depth is not None:
        kept, levels = np.arange(grown.node_count), np.zeros(grown.node_count, dtype=int)
        for node in np.flatnonzero(grown.children_left >= 0):  # parents stand before their children
            children = [grown.children_left[node], grown.children_right[node]]
            levels[children] = levels[node] + 1
            if levels[node] >= depth:
                kept[children] = kept[node]
        nodes = kept[nodes]
    return np.asarray(grown.value[nodes, 0])


def _say(votes: Vector, y: Vector, *, classification: bool) -> Vector:
    return np.asarray(np.unique(y)[np.argmax(votes, axis=1)] if classification else votes[:, 0])


def _trees(random_state: int, X: Vector, y: Vector, test: Vector, *, classification: bool) -> dict[str, Vector]:
    column = [int(np.random.default_rng(random_state).integers(X.shape[1]))]
    tree = _grow(random_state, X, y, classification=classification)
    single = _grow(random_state, X[:, column], y, classification=classification, max_depth=1)
    votes = {
        "stump": _votes(tree, test, depth=1),  # a tree that is stopped early is the beginning of the grown one
        "shallow_tree": _votes(tree, test, depth=3),
        "tree": _votes(tree, test),
        "random_stump": _votes(single, test[:, column]),
    }
    return {name: _say(found, y, classification=classification) for name, found in votes.items()}


def _forests(random_state: int, X: Vector, y: Vector, test: Vector, *, classification: bool) -> dict[str, Vector]:
    random = {"splitter": "random", "max_features": "sqrt" if classification else None}
    found = {}
    for name, rows in (("forest", slice(None)), ("half_forest", slice(None, None, 2))):
        votes = [
            _votes(_grow(seed, X[rows], y[rows], classification=classification, **random), test)
            for seed in range(random_state, random_state + _N_TREES)
        ]
        found[name] = _say(np.mean(votes, axis=0), y[rows], classification=classification)
    return found


def _indicators(y: Vector) -> tuple[Vector, Vector]:
    """Return the classes found and indicators of each, weighted so that classes count alike."""
    classes, codes = np.unique(y, return_inverse=True)
    indicators = (codes[:, None] == np.arange(len(classes))).astype(float)
    return classes, indicators / indicators.sum(axis=0)


def _linear(X: Vector, y: Vector, test: Vector, *, classification: bool) -> dict[str, Vector]:
    centre = X.mean(axis=0)
    X, test = X - centre, test - centre
    classes, target = _indicators(y) if classification else (np.zeros(1), y[:, None])
    mean = target.mean(axis=0)
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += 0.01 * len(X)
    predicted = test @ np.linalg.solve(gram, X.T @ (target - mean))
    return {"linear": classes[np.argmax(predicted, axis=1)] if classification else predicted[:, 0] + mean[0]}


def _neighbours(X: Vector, y: Vector, test: Vector, *, classification: bool) -> dict[str, Vector]:
    distances = np.square(X).sum(axis=1) - 2 * test @ X.T
    found = {}
    for name, count in (("one_neighbour", 1), ("ten_neighbours", min(10, len(X)))):
        near = np.argpartition(distances, count - 1, axis=1)[:, :count]
        if classification:
            classes, weights = _indicators(y)
            found[name] = classes[np.argmax(weights[near].sum(axis=1), axis=1)]
        else:
            found[name] = y[near].mean(axis=1)
    return found
