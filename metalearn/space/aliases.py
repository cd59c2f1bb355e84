"""What model families and their parameters are called elsewhere: a table, and how to look names up in it."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache

from metalearn.space.parameter import ParamValue

__all__ = [
    "COUPLED",
    "DEFINING",
    "FAMILIES",
    "MODEL_PARAMETERS",
    "PARAMETERS",
    "SHARES_OR_COUNTS",
    "UNSET_VALUES",
    "WITHOUT_EFFECT",
    "family_of",
    "is_foreign",
    "known_name",
]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "catboost": ("cat", "cb", "CatBoostClassifier", "CatBoostRegressor"),
    "decision_tree": ("dt", "tree", "DecisionTreeClassifier", "DecisionTreeRegressor"),
    "extra_trees": ("et", "xt", "extra_tree", "ExtraTreesClassifier", "ExtraTreesRegressor"),
    "gaussian_nb": ("nb", "GaussianNB"),
    "hist_gradient_boosting": (
        "hgb",
        "histgb",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
    ),
    "knn": ("kneighbor", "kneighbors", "KNeighborsClassifier", "KNeighborsRegressor"),
    "lightgbm": ("lgbm", "lgb", "gbm", "LGBMClassifier", "LGBMRegressor"),
    "linear": ("lr", "lrl1", "logistic", "LogisticRegression", "Ridge", "ElasticNet"),
    "mlp": ("nn", "MLPClassifier", "MLPRegressor"),
    "random_forest": ("rf", "RandomForestClassifier", "RandomForestRegressor"),
    "svm": ("svc", "svr", "SVC", "SVR"),
    "tabicl": ("icl", "TabICLClassifier", "TabICLRegressor"),
    "tabpfn": ("pfn", "tabpfnv2", "TabPFNClassifier", "TabPFNRegressor"),
    "xgboost": ("xgb", "xgb_limitdepth", "XGBClassifier", "XGBRegressor"),
}
"""Our name of each family, and what others call it; compared without regard to case and underscores."""

MODEL_PARAMETERS = (
    "model",
    "model_name",
    "model_type",
    "classifier",
    "regressor",
    "estimator",
    "learner",
    "family",
    "clf",
    "algorithm",
)
"""Names under which search spaces choose among model families."""

PARAMETERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "catboost": {
        "iterations": ("n_estimators", "num_boost_round", "num_trees", "num_round", "max_iter"),
        "learning_rate": ("eta", "lr", "shrinkage"),
        "depth": ("max_depth",),
        "l2_leaf_reg": ("reg_lambda", "l2_leaf_regularizer", "lambda_l2"),
        "random_strength": (),
        "rsm": ("colsample_bylevel", "feature_fraction"),
    },
    "decision_tree": {
        "max_depth": ("maxdepth", "depth"),
        "min_samples_leaf": ("minbucket", "min_node_size"),
        "criterion": (),
    },
    "extra_trees": {
        "n_estimators": ("num_trees", "ntree", "n_trees"),
        "max_features": ("feature_fraction",),
        "min_samples_leaf": ("min_node_size", "nodesize"),
        "bootstrap": (),
        "max_samples": ("sample_fraction", "subsample"),
        "criterion": (),
        "class_weight": (),
    },
    "gaussian_nb": {"var_smoothing": ()},
    "hist_gradient_boosting": {
        "max_iter": ("n_estimators", "num_boost_round", "num_iterations", "iterations"),
        "learning_rate": ("eta", "lr", "shrinkage"),
        "max_leaf_nodes": ("max_leaves", "num_leaves"),
        "min_samples_leaf": ("min_child_samples", "min_data_in_leaf"),
        "l2_regularization": ("reg_lambda", "lambda_l2"),
        "max_features": ("colsample_bynode", "feature_fraction_bynode"),
        "class_weight": (),
    },
    "knn": {"n_neighbors": ("k", "neighbors"), "weights": ("weight_func",), "p": ("dist_power",)},
    "lightgbm": {
        "n_estimators": (
            "num_boost_round",
            "num_iterations",
            "num_iteration",
            "num_trees",
            "num_tree",
            "num_round",
            "num_rounds",
            "nrounds",
            "n_iter",
            "max_iter",
            "iterations",
        ),
        "learning_rate": ("eta", "lr", "shrinkage_rate", "shrinkage"),
        "num_leaves": ("num_leaf", "max_leaves", "max_leaf", "max_leaf_nodes"),
        "min_child_samples": ("min_data_in_leaf", "min_data_per_leaf", "min_data", "min_samples_leaf"),
        "subsample": ("bagging_fraction", "sub_row", "bagging"),
        "colsample_bytree": ("feature_fraction", "sub_feature"),
        "reg_alpha": ("lambda_l1", "l1_regularization", "alpha"),
        "reg_lambda": ("lambda_l2", "l2_regularization", "lambda"),
        "class_weight": (),
    },
    "linear": {
        "penalty": (),
        "C": ("cost",),
        "alpha": ("reg_lambda",),
        "l1_ratio": ("mixture",),
        "class_weight": (),
    },
    "mlp": {
        "hidden_layer_depth": ("num_layers", "n_layers"),
        "num_nodes_per_layer": ("hidden_size", "n_units", "units"),
        "activation": (),
        "alpha": ("weight_decay",),
        "learning_rate_init": ("learning_rate", "lr"),
        "early_stopping": (),
    },
    "random_forest": {
        "n_estimators": ("num_trees", "ntree", "n_trees"),
        "max_features": ("feature_fraction",),
        "min_samples_leaf": ("min_node_size", "nodesize"),
        "bootstrap": (),
        "max_samples": ("sample_fraction", "subsample"),
        "criterion": (),
        "class_weight": (),
    },
    "svm": {
        "kernel": (),
        "C": ("cost",),
        "gamma": ("rbf_sigma",),
        "degree": (),
        "coef0": (),
        "class_weight": (),
        "epsilon": (),
    },
    "tabicl": {"n_estimators": ("n_ensemble",), "softmax_temperature": ("temperature",), "outlier_threshold": ()},
    "tabpfn": {"n_estimators": ("n_ensemble", "n_ensemble_configurations"), "softmax_temperature": ("temperature",)},
    "xgboost": {
        "n_estimators": ("num_boost_round", "num_round", "nrounds", "n_iter", "num_trees", "iterations"),
        "learning_rate": ("eta", "lr", "shrinkage"),
        "max_depth": ("depth",),
        "min_child_weight": (),
        "subsample": ("bagging_fraction",),
        "colsample_bytree": ("feature_fraction",),
        "reg_alpha": ("alpha", "lambda_l1"),
        "reg_lambda": ("lambda", "lambda_l2"),
        "gamma": ("min_split_loss", "min_split_gain"),
    },
}
"""Our name of each parameter, by family, and what tools and libraries call it."""

_NO_LIMIT: tuple[ParamValue, ...] = (None, -1, math.inf)

UNSET_VALUES: Mapping[str, Mapping[str, tuple[ParamValue, ...]]] = {
    "catboost": {
        "border_count": (254,),
        "bagging_temperature": (1.0,),
        "min_data_in_leaf": (1,),
        "grow_policy": ("SymmetricTree",),
    },
    "decision_tree": {
        "max_depth": _NO_LIMIT,
        "min_samples_split": (2,),
        "max_leaf_nodes": _NO_LIMIT,
        "max_features": (None, 1.0),
        "ccp_alpha": (0.0,),
    },
    "extra_trees": {
        "max_depth": _NO_LIMIT,
        "max_leaf_nodes": _NO_LIMIT,
        "max_leaves": _NO_LIMIT,
        "min_samples_split": (2,),
        "ccp_alpha": (0.0,),
    },
    "hist_gradient_boosting": {"max_depth": _NO_LIMIT, "max_bins": (255,), "early_stopping": ("auto", False)},
    "lightgbm": {
        "max_depth": (-1, None, math.inf),
        "max_bin": (255,),
        "log_max_bin": (8,),
        "min_child_weight": (1e-3,),
        "min_split_gain": (0.0,),
        "min_gain_to_split": (0.0,),
        "subsample_freq": (1,),
        "bagging_freq": (1,),
        "boosting_type": ("gbdt",),
        "boosting": ("gbdt",),
        "scale_pos_weight": (1.0,),
        "extra_trees": (False,),
        "path_smooth": (0.0,),
    },
    "random_forest": {
        "max_depth": _NO_LIMIT,
        "max_leaf_nodes": _NO_LIMIT,
        "max_leaves": _NO_LIMIT,
        "min_samples_split": (2,),
        "ccp_alpha": (0.0,),
    },
    "svm": {"shrinking": (True,), "tol": (1e-3,)},
    "mlp": {"batch_size": ("auto",), "solver": ("adam",)},
    "xgboost": {
        "max_leaves": (0, math.inf),
        "max_bin": (256,),
        "colsample_bylevel": (1.0,),
        "colsample_bynode": (1.0,),
        "max_delta_step": (0,),
        "tree_method": ("hist", "auto", None),
        "scale_pos_weight": (1.0,),
        "booster": ("gbtree",),
        "grow_policy": ("depthwise",),
    },
}
"""What parameters that our spaces lack are when they are left out: spellings of one behaviour.

Infinity stands for "no limit" and becomes the upper bound of the range.
"""

SHARES_OR_COUNTS = frozenset(("max_features", "max_samples", "min_samples_leaf", "min_samples_split"))
"""Parameters of which scikit-learn takes a float for a share and a whole number for a count."""

COUPLED: Mapping[str, tuple[str, str]] = {
    "catboost": ("learning_rate", "iterations"),
    "hist_gradient_boosting": ("learning_rate", "max_iter"),
    "lightgbm": ("learning_rate", "n_estimators"),
    "xgboost": ("learning_rate", "n_estimators"),
}
"""Parameters that are good as a pair: half the rate wants twice the trees."""

DEFINING = frozenset(("kernel",))
"""Parameters without whose value the others make no sense."""

WITHOUT_EFFECT = frozenset(
    (
        "allow_writing_files",
        "cache_size",
        "copy_X",
        "copy_X_train",
        "device",
        "device_type",
        "force_col_wise",
        "force_row_wise",
        "importance_type",
        "logging_level",
        "metric_period",
        "n_jobs",
        "nthread",
        "num_threads",
        "predictor",
        "probability",
        "random_seed",
        "random_state",
        "seed",
        "silent",
        "task_type",
        "thread_count",
        "verbose",
        "verbose_eval",
        "verbosity",
        "warm_start",
    )
)
"""Parameters of any family that say how it is computed, not what is learned."""


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


@cache
def _family_lookup() -> dict[str, str]:
    return {_plain(word): family for family, words in FAMILIES.items() for word in (family, *words)}


@cache
def _parameter_lookup(family: str) -> dict[str, str]:
    own = {**PARAMETERS.get(family, {}), **dict.fromkeys(UNSET_VALUES.get(family, {}), ())}
    return {alias: name for name, words in own.items() for alias in words} | {name: name for name in own}


def family_of(name: object) -> str | None:
    """Return our name of a model family."""
    return _family_lookup().get(_plain(name)) if isinstance(name, str) else None


def known_name(name: str, family: str, known: Iterable[str] = ()) -> str | None:
    """Return our name of a parameter of a family; prefixes of pipeline steps and families are taken off."""
    lookup = {**_parameter_lookup(family), **{word: word for word in known}}
    if name in lookup:
        return lookup[name]
    *prefixes, stem = re.split(r"__|[./:]", name)
    if any(owner not in (None, family) for owner in map(family_of, prefixes)):
        return None
    if stem in lookup:
        return lookup[stem]
    for cut in (i for i, letter in enumerate(stem) if letter == "_"):
        owner, rest = family if stem[:cut] == family else family_of(stem[:cut]), stem[cut + 1 :]
        if owner is None:
            continue
        theirs = {**_parameter_lookup(owner), **{word: word for word in known}}
        found = theirs.get(rest) or {word.lower(): ours for word, ours in theirs.items()}.get(rest)  # svc_c is C
        if found is not None:
            return lookup.get(found, found) if owner == family else None
    return stem


def is_foreign(name: str, family: str) -> bool:
    """Tell whether a parameter is known of other families only."""
    return name not in _parameter_lookup(family) and any(name in _parameter_lookup(f) for f in PARAMETERS)
