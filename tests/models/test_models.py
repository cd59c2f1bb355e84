import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError
from metalearn.models import ModelSpec, build_pipeline, get_model, model_names, models_for
from metalearn.space import Configuration
from metalearn.task import ProblemType

CASES = [(name, problem_type) for problem_type in ProblemType for name in models_for(problem_type)]
FITTED = [
    (name, problem_type) for name, problem_type in CASES if not get_model(name).weights
]  # others: test_foundation


def target(problem_type: ProblemType, three_classes: np.ndarray) -> np.ndarray:
    if problem_type is ProblemType.REGRESSION:
        return np.random.default_rng(2).normal(1e5, 3e4, len(three_classes))
    if problem_type is ProblemType.BINARY:
        return np.where(three_classes == "one", "yes", "no").astype(object)
    return three_classes


def small(configuration: Configuration) -> Configuration:
    """Fewer trees, so that the tests are quick."""
    fewer = {k: 20 for k in ("n_estimators", "iterations", "max_iter") if k in configuration.params}
    return Configuration(configuration.model, {**configuration.params, **fewer})


@pytest.mark.parametrize(("name", "problem_type"), FITTED)
def test_a_family_fits_and_predicts_a_messy_table(
    name: str, problem_type: ProblemType, messy_table: pd.DataFrame, three_classes: np.ndarray
) -> None:
    spec = get_model(name)
    y = target(problem_type, three_classes)
    model = spec.build(small(spec.default(problem_type)), problem_type, n_jobs=1)
    unseen = messy_table.iloc[:7].copy()
    unseen["string"] = "a colour never seen"
    unseen["category"] = "z"
    unseen["many_levels"] = "a new shop"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(converge|least populated class|members).*")
        model.fit(messy_table, y)
    predicted = model.predict(unseen[unseen.columns[::-1]])
    assert predicted.shape == (7,)
    if problem_type.is_classification:
        probabilities = model.predict_proba(unseen)
        assert set(predicted) <= set(y)
        assert probabilities.shape == (7, len(set(y)))
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert (predicted == model.classes_[probabilities.argmax(axis=1)]).all()
    else:
        assert np.isfinite(predicted).all()
        assert 2e4 < predicted.mean() < 2e5


@pytest.mark.parametrize(("name", "problem_type"), CASES)
def test_the_design_lies_in_the_space_and_grows_by_appending(name: str, problem_type: ProblemType) -> None:
    spec = get_model(name)
    design = spec.design(problem_type, 24)
    assert len({c.id for c in design}) == len(design) == 24
    assert design[0] == spec.default(problem_type)
    assert spec.design(problem_type, 9) == design[:9]
    for configuration in design:
        assert spec.spaces[problem_type].contains(configuration.params), configuration
        assert Configuration.from_dict(json.loads(json.dumps(configuration.to_dict()))) == configuration


@pytest.mark.parametrize(("name", "problem_type"), FITTED)
def test_every_parameter_of_the_design_is_taken_by_the_library(
    name: str, problem_type: ProblemType, three_classes: np.ndarray
) -> None:
    spec = get_model(name)
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(len(three_classes), 3)))
    y = target(problem_type, three_classes)
    for configuration in spec.design(problem_type, 6)[1:]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*(converge|Maximum iterations|populated).*")
            fitted = spec.build(small(configuration), problem_type, n_jobs=1).fit(X, y)
        assert len(fitted.predict(X)) == len(X)


FURTHER = [
    (kind, Configuration(name, {parameter: value}))
    for name, kind in CASES
    for parameter, values in get_model(name).further.items()
    for value in values
    if parameter in get_model(name).spaces[kind].parameters
]


@pytest.mark.parametrize(("problem_type", "configuration"), FURTHER, ids=str)
def test_values_beside_the_space_are_taken_by_the_library(
    problem_type: ProblemType, configuration: Configuration, three_classes: np.ndarray
) -> None:
    spec = get_model(configuration.model)
    X = pd.DataFrame(np.random.default_rng(3).normal(size=(len(three_classes), 3)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(converge|Maximum iterations|populated).*")
        fitted = spec.build(configuration, problem_type, n_jobs=1).fit(X, target(problem_type, three_classes))
    assert len(fitted.predict(X)) == len(X)
    assert spec.takes(configuration, problem_type)


@pytest.mark.parametrize(
    ("model", "params", "taken"),
    [
        ("knn", {"n_neighbors": 3, "weights": "distance"}, True),
        ("knn", {"n_neighbors": 1000}, True),
        ("knn", {"n_neighbors": 3.0}, False),
        ("knn", {"n_neighbors": None}, False),
        ("knn", {"weights": "nearest"}, False),
        ("knn", {"leaves": 3}, False),
        ("svm", {"C": 10**400, "gamma": "scale"}, True),
        ("svm", {"C": "much"}, False),
        ("svm", {"C": True}, False),
    ],
)
def test_a_family_takes_values_of_the_kind_that_its_space_has(
    model: str, params: dict[str, object], *, taken: bool
) -> None:
    assert get_model(model).takes(Configuration(model, params), ProblemType.BINARY) is taken


def test_numbers_are_of_the_kind_that_the_space_has() -> None:
    found = get_model("svm").with_kinds({"C": 2, "degree": 3.0, "gamma": 3.5, "kernel": "poly", "other": 1})
    assert repr(found) == "{'C': 2.0, 'degree': 3, 'gamma': 3.5, 'kernel': 'poly', 'other': 1}"


@pytest.mark.parametrize("name", model_names())
def test_a_spec_is_complete(name: str) -> None:
    spec = get_model(name)
    assert isinstance(spec, ModelSpec)
    assert spec.name == name
    assert set(spec.spaces) == set(spec.defaults)
    assert all(known.reference for known in spec.known)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_pipeline_can_be_cloned() -> None:
    spec = get_model("xgb")
    model = spec.build(spec.default(ProblemType.BINARY), ProblemType.BINARY)
    assert str(clone(model)) == str(model)


def test_an_unknown_family_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'lightgbm'"):
        get_model("lightgmb")


def test_an_unknown_parameter_is_refused_also_where_the_library_would_not_notice() -> None:
    with pytest.raises(InvalidInputError, match="no parameter 'num_leafs'"):
        get_model("lightgbm").build(Configuration("lightgbm", {"num_leafs": 3}), ProblemType.BINARY)


def test_a_family_refuses_problems_it_does_not_solve() -> None:
    spec = get_model("gaussian_nb")
    with pytest.raises(InvalidInputError, match="does not solve regression"):
        spec.build(spec.default(ProblemType.BINARY), ProblemType.REGRESSION)


def test_a_missing_package_gets_the_line_that_installs_it() -> None:
    plain = get_model("catboost")
    absent = ModelSpec(**{f: getattr(plain, f) for f in plain.__dataclass_fields__} | {"requires": "no_such_package"})
    assert not absent.is_available
    with pytest.raises(MissingExtraError, match=r'pip install ".*\[boosting\]"'):
        absent.build(absent.default(ProblemType.BINARY), ProblemType.BINARY)


def test_a_class_with_a_single_row_does_not_end_a_fit_that_would_stop_early() -> None:
    """On more than 10,000 rows scikit-learn's boosting sets a part of each class aside."""
    spec = get_model("hist_gradient_boosting")
    few = Configuration(spec.name, spec.default(ProblemType.MULTICLASS).params | {"max_iter": 50})
    model = spec.build(few, ProblemType.MULTICLASS)
    X, y = pd.DataFrame({"x": np.arange(10_500) % 7}), np.repeat(["a", "b", "rare"], [5250, 5249, 1])
    assert set(model.fit(X, y).classes_) == {"a", "b", "rare"}
    assert model[-1].estimator_.n_iter_ == 50
    model.fit(X[:-1], y[:-1])
    assert model[-1].estimator_.n_iter_ < 50  # as the library does where it can


def test_a_kind_of_problem_may_be_named_by_text() -> None:
    default = get_model("linear").default(ProblemType.BINARY)
    assert build_pipeline(default, "binary").get_params()["model__C"] == 1.0
    assert models_for("binary").keys() == models_for(ProblemType.BINARY).keys()
    with pytest.raises(InvalidInputError, match="Unknown problem type 'yesno'"):
        build_pipeline(default, "yesno")
