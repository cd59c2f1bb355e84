import pytest

from metalearn.fitted_recommenders import bundled_knowledge_base
from metalearn.models.recognition import families_of_parameters, family_of_parameters, recognised
from metalearn.space import Configuration


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (["n_estimators", "learning_rate", "num_leaves"], "lightgbm"),
        (["max_iter", "max_leaf_nodes", "l2_regularization"], "hist_gradient_boosting"),
        (["iterations", "depth", "l2_leaf_reg"], "catboost"),
        (["n_estimators", "learning_rate", "num_leaves", "max_depth"], "lightgbm"),  # whose space has no depth
        (["max_depth", "num_leaves"], "lightgbm"),
        (["n_estimators", "learning_rate", "max_depth", "subsample", "colsample_bytree"], "xgboost"),
        (["eta", "max_depth", "colsample_bylevel"], "xgboost"),
        (["n_estimators", "max_depth", "min_samples_split"], "random_forest"),
        (["max_iter", "learning_rate", "max_depth"], "hist_gradient_boosting"),
        (["model__C", "model__gamma"], "svm"),
        (["hidden_units"], None),
    ],
)
def test_the_family_is_known_by_its_parameters(names: list[str], family: str | None) -> None:
    assert family_of_parameters(names) == family


def test_a_tie_goes_to_the_family_that_is_recommended() -> None:
    names = ["n_estimators", "learning_rate"]
    assert family_of_parameters(names, ["xgboost"]) == "xgboost"
    assert family_of_parameters(names, ["lightgbm", "xgboost"]) == "lightgbm"


def test_every_family_of_a_tie_is_known() -> None:
    names = ["n_estimators", "max_features"]
    assert families_of_parameters(names) == ["extra_trees", "random_forest"]
    assert families_of_parameters(["hidden_units"]) == []


@pytest.mark.parametrize(
    ("names", "likely", "family"),
    [
        (["n_estimators", "max_features"], "extra_trees", "extra_trees"),
        (["n_estimators", "max_depth"], "extra_trees", "extra_trees"),  # every forest has a depth, though not our space
        (["learning_rate", "n_estimators", "num_leaves"], "hist_gradient_boosting", "hist_gradient_boosting"),
        (["learning_rate", "num_leaves", "reg_alpha"], "hist_gradient_boosting", "lightgbm"),  # it has no reg_alpha
        (["rf_max_features"], "extra_trees", "random_forest"),
    ],
)
def test_a_likely_family_wins_where_it_knows_as_many(names: list[str], likely: str, family: str) -> None:
    assert families_of_parameters(names, [likely]) == [family]


@pytest.mark.parametrize(
    ("family", "params", "wanted"),
    [
        ("svm", {"C": 10, "degree": 3.0, "kernel": "poly"}, {"C": 10.0, "degree": 3, "kernel": "poly"}),
        ("lightgbm", {"num_leaves": 31, "max_depth": -1, "verbosity": -1, "n_jobs": 4}, {"num_leaves": 31}),
        ("lightgbm", {"num_leaves": 31, "max_depth": 4}, {"num_leaves": 31, "max_depth": 4}),
        ("mlp", {"hidden_layer_sizes": "(50, 50)"}, {"hidden_layer_depth": 2, "num_nodes_per_layer": 50}),
        ("mlp", {"hidden_layer_sizes": 20}, {"hidden_layer_depth": 1, "num_nodes_per_layer": 20}),
        ("mlp", {"hidden_layer_sizes": "(50, 20)"}, {"hidden_layer_sizes": "(50, 20)"}),
        ("own", {"verbosity": 1, "C": 10}, {"verbosity": 1, "C": 10}),
    ],
)
def test_what_was_run_elsewhere_equals_ours_of_the_same_meaning(
    family: str, params: dict[str, object], wanted: dict[str, object]
) -> None:
    assert recognised(family, params) == Configuration(family, wanted)


def test_what_the_bundled_knowledge_base_holds_is_what_we_call_it() -> None:
    known = bundled_knowledge_base().configuration_by_id
    assert {i: recognised(c.model, c.params).id for i, c in known.items()} == {i: i for i in known}
