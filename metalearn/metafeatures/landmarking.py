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
    """Return cross-validated scores of quick models on at most 500 rows of the encoded columns.

    Parameters
    ----------
    sample : Sample
        The table.

    Returns
    -------
    dict of str to float
        Values by name; those that are not applicable may be absent.
    """
    if not len(sample.design):
        return {}
    rows = sample.few
    X = np.ascontiguousarray(sample.design.read(rows).T)
    y = sample.groups[rows] if sample.is_classification else sample.responses[0, rows]
    folds = _folds(y, classification=sample.is_classification, random_state=sample.random_state)
    scores = {
        f"landmark_{name}": _score(model, X, y, folds, classification=sample.is_classification)
        for name, model in _models(sample.random_state, X.shape[1], classification=sample.is_classification).items()
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
Model = Callable[[Vector, Vector, Vector], Vector]
"""Takes training rows, their target and test rows; returns predictions."""


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


def _score(model: Model, X: Vector, y: Vector, folds: npt.NDArray[np.intp], *, classification: bool) -> float:
    predicted = np.empty_like(y)
    for fold in range(N_FOLDS):
        test = folds == fold
        predicted[test] = model(X[~test], y[~test], X[test])
    if classification:
        return rescaled_accuracy(y, predicted == y)
    return max(float(1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)), -1.0)


def _models(random_state: int, n_columns: int, *, classification: bool) -> dict[str, Model]:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor  # noqa: PLC0415 - slow to import
    from sklearn.naive_bayes import GaussianNB  # noqa: PLC0415
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor  # noqa: PLC0415

    tree = DecisionTreeClassifier if classification else DecisionTreeRegressor
    forest = ExtraTreesClassifier if classification else ExtraTreesRegressor
    weights = {"class_weight": "balanced"} if classification else {}
    column = int(np.random.default_rng(random_state).integers(n_columns))

    def grown(kind: Any, **options: Any) -> Model:
        estimator = kind(random_state=random_state, **weights, **options)
        return lambda X, y, test: np.asarray(estimator.fit(X, y).predict(test))

    stump, trees = grown(tree, max_depth=1), grown(forest, n_estimators=10)
    models: dict[str, Model] = {
        "linear": partial(_ridge, classification=classification),
        "one_neighbour": partial(_neighbours, 1, classification=classification),
        "ten_neighbours": partial(_neighbours, 10, classification=classification),
        "stump": stump,
        "random_stump": lambda X, y, test: stump(X[:, [column]], y, test[:, [column]]),
        "shallow_tree": grown(tree, max_depth=3),
        "tree": grown(tree),
        "forest": trees,
        "half_forest": lambda X, y, test: trees(X[::2], y[::2], test),
    }
    if classification:
        bayes = GaussianNB(var_smoothing=1e-3)
        models["bayes"] = lambda X, y, test: np.asarray(bayes.fit(X, y).predict(test))
    return models


def _indicators(y: Vector) -> tuple[Vector, Vector]:
    """Return the classes found and indicators of each, weighted so that classes count alike."""
    classes, codes = np.unique(y, return_inverse=True)
    indicators = (codes[:, None] == np.arange(len(classes))).astype(float)
    return classes, indicators / indicators.sum(axis=0)


def _ridge(X: Vector, y: Vector, test: Vector, *, classification: bool) -> Vector:
    centre = X.mean(axis=0)
    X, test = X - centre, test - centre
    classes, target = _indicators(y) if classification else (np.zeros(1), y[:, None])
    mean = target.mean(axis=0)
    gram = X.T @ X
    gram[np.diag_indices_from(gram)] += 0.01 * len(X)
    predicted = test @ np.linalg.solve(gram, X.T @ (target - mean))
    return np.asarray(classes[np.argmax(predicted, axis=1)] if classification else predicted[:, 0] + mean[0])


def _neighbours(count: int, X: Vector, y: Vector, test: Vector, *, classification: bool) -> Vector:
    distances = np.square(X).sum(axis=1) - 2 * test @ X.T
    count = min(count, len(X))
    near = np.argpartition(distances, count - 1, axis=1)[:, :count]
    if not classification:
        return np.asarray(y[near].mean(axis=1))
    classes, weights = _indicators(y)
    return np.asarray(classes[np.argmax(weights[near].sum(axis=1), axis=1)])
