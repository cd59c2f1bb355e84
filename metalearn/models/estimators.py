"""How each family's estimator is made: imported only when a pipeline is built."""

from typing import Any

import sklearn
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, tree
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from sklearn.utils.fixes import parse_version

from metalearn.models.classifiers import EncodedLabels, MarginSVC
from metalearn.task import ProblemType

__all__: list[str] = []  # model specs name these functions as "metalearn.models.estimators:function"

_CACHE_MB = 500


def _threads(n_jobs: int | None) -> int:
    """Take None for one thread, as scikit-learn does: these libraries would take all cores, which slows small tables down."""
    return 1 if n_jobs is None else n_jobs


def lightgbm(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:
    """Return LightGBM's estimator."""
    from lightgbm import LGBMClassifier, LGBMRegressor  # noqa: PLC0415 - slow to import

    kind = LGBMClassifier if problem_type.is_classification else LGBMRegressor
    return kind(**params, subsample_freq=1, random_state=random_state, n_jobs=_threads(n_jobs), verbose=-1)


def xgboost(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:
    """Return XGBoost's estimator."""
    from xgboost import XGBClassifier, XGBRegressor  # noqa: PLC0415 - optional

    fixed = {"random_state": random_state, "n_jobs": _threads(n_jobs), "tree_method": "hist", "verbosity": 0}
    if problem_type.is_classification:
        return EncodedLabels(XGBClassifier(**params, **fixed))
    return XGBRegressor(**params, **fixed)


def catboost(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:
    """Return CatBoost's estimator."""
    from catboost import CatBoostClassifier, CatBoostRegressor  # noqa: PLC0415 - optional

    fixed = {
        "random_seed": random_state,
        "thread_count": _threads(n_jobs),
        "verbose": False,
        "allow_writing_files": False,
    }
    if problem_type.is_classification:
        return EncodedLabels(CatBoostClassifier(**params, **fixed))
    return CatBoostRegressor(**params, **fixed)


def random_forest(
    params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None
) -> BaseEstimator:
    """Return scikit-learn's random forest."""
    classes = problem_type.is_classification
    kind = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
    return kind(**params, random_state=random_state, n_jobs=n_jobs)


def extra_trees(
    params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None
) -> BaseEstimator:
    """Return scikit-learn's extremely randomised trees."""
    kind = ensemble.ExtraTreesClassifier if problem_type.is_classification else ensemble.ExtraTreesRegressor
    return kind(**params, random_state=random_state, n_jobs=n_jobs)


def hist_gradient_boosting(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,
    n_jobs: int | None,  # noqa: ARG001 - it takes the threads of OpenMP
) -> BaseEstimator:
    """Return scikit-learn's histogram-based gradient boosting."""
    if problem_type.is_classification:
        return EncodedLabels(ensemble.HistGradientBoostingClassifier(**params, random_state=random_state))
    return ensemble.HistGradientBoostingRegressor(**params, random_state=random_state)


def linear(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,
    n_jobs: int | None,  # noqa: ARG001 - it has no threads of its own
) -> BaseEstimator:
    """Return logistic regression, ridge regression or an elastic net."""
    elastic = params.pop("penalty", "l2") == "elasticnet"
    if problem_type.is_classification:
        # saga takes both penalties but needs many passes; lbfgs is the library's choice for l2
        solver: dict[str, Any] = (
            {"solver": "saga", "max_iter": 200} if elastic else {"solver": "lbfgs", "max_iter": 500}
        )
        params["l1_ratio"] = params.get("l1_ratio", 0.5) if elastic else 0.0
        if parse_version(sklearn.__version__) < parse_version("1.8"):
            params["penalty"] = "elasticnet" if elastic else "l2"
        return linear_model.LogisticRegression(**params, **solver, random_state=random_state)
    kind = linear_model.ElasticNet if elastic else linear_model.Ridge
    return kind(**params, random_state=random_state)


def svm(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,
    n_jobs: int | None,  # noqa: ARG001 - it has no threads
) -> BaseEstimator:
    """Return a support vector machine."""
    if problem_type.is_classification:
        return MarginSVC(**params, cache_size=_CACHE_MB, random_state=random_state)
    # epsilon and C are in units of the target: scaled, they mean the same on every table
    return TransformedTargetRegressor(SVR(**params, cache_size=_CACHE_MB), transformer=StandardScaler())


def knn(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,  # noqa: ARG001 - nothing is random
    n_jobs: int | None,
) -> BaseEstimator:
    """Return nearest neighbours."""
    classes = problem_type.is_classification
    kind = neighbors.KNeighborsClassifier if classes else neighbors.KNeighborsRegressor
    return kind(**params, n_jobs=n_jobs)


def mlp(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,
    n_jobs: int | None,  # noqa: ARG001 - it takes the threads of BLAS
) -> BaseEstimator:
    """Return a multi-layer perceptron."""
    layers = (params.pop("num_nodes_per_layer", 100),) * params.pop("hidden_layer_depth", 1)
    if problem_type.is_classification:
        return neural_network.MLPClassifier(hidden_layer_sizes=layers, **params, random_state=random_state)
    # the squared loss is in units of the target: scaled, the learning rate means the same on every table
    regressor = neural_network.MLPRegressor(hidden_layer_sizes=layers, **params, random_state=random_state)
    return TransformedTargetRegressor(regressor, transformer=StandardScaler())


def decision_tree(
    params: dict[str, Any],
    problem_type: ProblemType,
    random_state: int,
    n_jobs: int | None,  # noqa: ARG001 - it has no threads
) -> BaseEstimator:
    """Return a single decision tree."""
    kind = tree.DecisionTreeClassifier if problem_type.is_classification else tree.DecisionTreeRegressor
    return kind(**params, random_state=random_state)


def gaussian_nb(
    params: dict[str, Any],
    problem_type: ProblemType,  # noqa: ARG001 - classes only
    random_state: int,  # noqa: ARG001 - nothing is random
    n_jobs: int | None,  # noqa: ARG001 - it has no threads
) -> BaseEstimator:
    """Return Gaussian naive Bayes."""
    return naive_bayes.GaussianNB(**params)
