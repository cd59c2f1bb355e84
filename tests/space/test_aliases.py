import pytest

from metalearn.models import get_model, model_names
from metalearn.space.aliases import FAMILIES, PARAMETERS, family_of, is_foreign, known_name


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_table_holds_every_parameter_of_every_family(family: str) -> None:
    own = {name for space in get_model(family).spaces.values() for name in space.parameters}
    assert own <= set(PARAMETERS[family])


def test_the_table_holds_every_bundled_family() -> None:
    assert set(FAMILIES) == set(PARAMETERS) == set(model_names())


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_alias_stands_for_two_parameters_of_a_family(family: str) -> None:
    words = [word for name, aliases in PARAMETERS[family].items() for word in (name, *aliases)]
    assert len(words) == len(set(words))


def test_no_word_stands_for_two_families() -> None:
    plain = {
        family: {word.lower().replace("_", "") for word in (family, *aliases)} for family, aliases in FAMILIES.items()
    }
    assert sum(map(len, plain.values())) == len(set().union(*plain.values()))


@pytest.mark.parametrize(
    ("name", "family", "ours"),
    [
        ("eta", "xgboost", "learning_rate"),
        ("num_boost_round", "lightgbm", "n_estimators"),
        ("n_estimators", "catboost", "iterations"),
        ("max_leaves", "lightgbm", "num_leaves"),
        ("max_leaves", "xgboost", "max_leaves"),
        ("model__num_leaves", "lightgbm", "num_leaves"),
        ("pipe__clf__C", "svm", "C"),
        ("classifier:random_forest:max_features", "random_forest", "max_features"),
        ("classifier:random_forest:max_features", "lightgbm", None),
        ("lgbm_eta", "lightgbm", "learning_rate"),
        ("random_forest_n_estimators", "random_forest", "n_estimators"),
        ("random_forest_n_estimators", "lightgbm", None),
        ("m/rf/n_estimators", "random_forest", "n_estimators"),
        ("cat_smooth", "lightgbm", "cat_smooth"),
        ("linear_tree", "lightgbm", "linear_tree"),
        ("anything", "lightgbm", "anything"),
    ],
)
def test_names_are_found_under_aliases_prefixes_and_steps(name: str, family: str, ours: str | None) -> None:
    assert known_name(name, family) == ours


def test_a_plugin_family_is_matched_by_its_own_names() -> None:
    assert known_name("step__width", "my_model", {"width"}) == "width"
    assert known_name("rf_width", "my_model", {"width"}) is None


def test_families_are_known_by_their_classes() -> None:
    for family in ("lightgbm", "xgboost", "catboost", "random_forest", "svm", "knn", "mlp"):
        assert all(family_of(word) == family for word in FAMILIES[family])
    assert family_of("nothing") is None
    assert family_of(3) is None


def test_a_parameter_of_others_is_foreign() -> None:
    assert is_foreign("num_leaves", "random_forest")
    assert not is_foreign("max_depth", "random_forest")


@pytest.mark.parametrize(
    ("name", "family", "ours"),
    [("svc_c", "svm", "C"), ("svc_c", "random_forest", None), ("svc_shrink", "svm", "svc_shrink"), ("c", "svm", "c")],
)
def test_the_case_of_a_letter_does_not_count_behind_a_family(name: str, family: str, ours: str | None) -> None:
    assert known_name(name, family) == ours
