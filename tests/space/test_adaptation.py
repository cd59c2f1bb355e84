import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metalearn.exceptions import InvalidInputError
from metalearn.models import get_model
from metalearn.space import (
    Categorical,
    Condition,
    Configuration,
    Float,
    Integer,
    ParamValue,
    SearchSpace,
    adapt,
    model_parameter_of,
)
from metalearn.space.adaptation import UNSET
from metalearn.task import ProblemType

LIGHTGBM = Configuration("lightgbm", {"learning_rate": 0.3, "num_leaves": 31, "n_estimators": 300})


def test_names_types_and_bounds_become_those_of_the_space() -> None:
    space = SearchSpace({"eta": Float(0.01, 0.2, log=True), "max_leaves": Integer(2, 64), "n_trees": Integer(1, 250)})
    found = adapt(LIGHTGBM, space, names={"n_estimators": "n_trees"})
    assert found.configuration == Configuration("lightgbm", {"eta": 0.2, "max_leaves": 31, "n_trees": 250})
    assert dict(found.changed) == {"eta": (0.3, 0.2), "n_trees": (300, 250)}
    assert dict(found.renamed) == {"learning_rate": "eta", "num_leaves": "max_leaves", "n_estimators": "n_trees"}
    assert not found.is_exact


@pytest.mark.parametrize(
    ("value", "parameter", "new"),
    [
        (60.0, Integer(1, 100), 60),
        (3.7, Integer(1, 100), 4),
        (7, Integer(1, 10, step=4), 9),
        (1, Float(0.0, 5.0), 1.0),
        (0.0, Float(1e-3, 1.0, log=True), 1e-3),
        (0.26, Float(0.0, 1.0, step=0.25), 0.25),
        (150, Categorical((100, 200, 500)), 200),  # nearest on a log scale
        (0, Categorical((-1, 5)), -1),
        ("gini", Categorical(("entropy", "gini")), "gini"),
    ],
)
def test_a_value_becomes_the_nearest_native_one(value: ParamValue, parameter: Any, new: ParamValue) -> None:
    found = adapt(Configuration("knn", {"p": value}), SearchSpace({"p": parameter}))
    assert found.configuration is not None
    result = found.configuration.params["p"]
    assert result == new
    assert type(result) is type(new)
    assert (dict(found.changed) == {}) == (value == new)


def test_true_is_not_one() -> None:
    space = SearchSpace({"bootstrap": Categorical((0, 1)), "max_features": Float(0, 1)})
    found = adapt(Configuration("extra_trees", {"bootstrap": True, "max_features": 0.5}), space)
    assert "bootstrap" in found.changed  # whatever takes its place, it is said
    exact = adapt(Configuration("extra_trees", {"bootstrap": 1, "max_features": 0.5}), space)
    assert exact.is_exact


def test_an_unknown_category_is_replaced_by_what_unset_means() -> None:
    space = SearchSpace({"criterion": Categorical(("gini", "log_loss")), "max_features": Float(0.1, 1)})
    configuration = Configuration("random_forest", {"criterion": "entropy", "max_features": 0.5})
    found = adapt(configuration, space, defaults={"criterion": "gini"})
    assert dict(found.changed) == {"criterion": ("entropy", "gini")}


def test_what_leaving_out_means_is_no_change_and_anything_else_is() -> None:
    space = SearchSpace(
        {"num_leaves": Integer(2, 64), "subsample": Float(0.5, 1.0), "max_depth": Integer(2, 12), "extra": Float(0, 1)}
    )
    found = adapt(Configuration("lightgbm", {"num_leaves": 9}), space, defaults={"subsample": 1.0})
    assert dict(found.completed) == {"subsample": 1.0}
    assert dict(found.changed) == {"max_depth": (UNSET, 12), "extra": (UNSET, 0.5)}  # no limit becomes the upper bound


@pytest.mark.parametrize(("choices", "value"), [((3, -1, 6), -1), ((3, None, 6), None), ((3, 6), 6)])
def test_no_limit_is_spelt_as_the_space_spells_it(choices: tuple[ParamValue, ...], value: ParamValue) -> None:
    space = SearchSpace({"num_leaves": Integer(2, 64), "max_depth": Categorical(choices)})
    found = adapt(Configuration("lightgbm", {"num_leaves": 9}), space)
    assert found.configuration is not None
    assert found.configuration.params["max_depth"] == value
    assert ("max_depth" in found.completed) == (value in (None, -1))


def test_the_spaces_own_default_completes_what_nobody_knows() -> None:
    space = SearchSpace({"C": Float(1, 9), "unheard_of": Float(0, 1)}, {}, {"unheard_of": 0.125})
    found = adapt(Configuration("svm", {"C": 2.0}), space)
    assert found.changed["unheard_of"] == (UNSET, 0.125)


def test_parameters_that_the_space_lacks_are_dropped_unless_they_are_the_default() -> None:
    space = SearchSpace({"num_leaves": Integer(2, 64)})
    configuration = Configuration("lightgbm", {"num_leaves": 9, "subsample": 0.5, "reg_alpha": 0.0})
    found = adapt(configuration, space, defaults={"reg_alpha": 0.0})
    assert set(found.dropped) == {"subsample"}


CONDITIONAL = SearchSpace(
    {
        "model": Categorical(("lgbm", "rf")),
        "num_leaves": Integer(2, 64),
        "max_features": Float(0.1, 1.0),
        "shape": Categorical(("a", "b")),
        "depth_of_b": Integer(1, 5),
    },
    {
        "num_leaves": Condition("model", ("lgbm",)),
        "max_features": Condition("model", ("rf",)),
        "shape": Condition("model", ("rf",)),
        "depth_of_b": Condition("shape", ("b",)),
    },
    {"shape": "b", "depth_of_b": 2},
)


def test_the_family_is_chosen_and_conditions_are_obeyed() -> None:
    found = adapt(Configuration("random_forest", {"max_features": 0.3, "num_leaves": 3}), CONDITIONAL)
    assert found.configuration is not None
    assert dict(found.configuration.params) == {"model": "rf", "max_features": 0.3, "shape": "b", "depth_of_b": 2}
    assert "inactive" in found.dropped["num_leaves"]
    light = adapt(Configuration("lightgbm", {"num_leaves": 3}), CONDITIONAL).configuration
    assert light is not None
    assert dict(light.params) == {"model": "lgbm", "num_leaves": 3}


def test_a_family_that_is_not_offered_is_dropped() -> None:
    found = adapt(Configuration("svm", {"C": 1.0}), CONDITIONAL)
    assert found.configuration is None
    assert "none of which is svm" in found.dropped[""]


def test_parameters_of_other_families_have_no_effect_in_a_flat_space() -> None:
    space = SearchSpace(
        {"clf": Categorical(("LGBMClassifier", "SVC")), "num_leaves": Integer(2, 64), "svc__gamma": Float(0.1, 1.0)}
    )
    found = adapt(Configuration("lightgbm", {"num_leaves": 7}), space)
    assert found.is_exact
    assert found.configuration is not None
    assert set(found.configuration.params) == {"clf", "num_leaves", "svc__gamma"}


def test_the_parameter_of_the_family_may_have_any_name() -> None:
    space = SearchSpace({"which": Categorical(("lgbm", "rf")), "num_leaves": Integer(2, 64)})
    assert model_parameter_of(space) is None
    assert model_parameter_of(space, "which") == "which"
    found = adapt(Configuration("lightgbm", {"num_leaves": 7}), space, model_parameter="which").configuration
    assert found is not None
    assert found.params["which"] == "lgbm"


def test_the_policies_differ() -> None:
    space = SearchSpace({"eta": Float(0.01, 0.2)})
    assert adapt(LIGHTGBM, space, "clip").configuration is not None
    dropped = adapt(LIGHTGBM, space, "drop")
    assert dropped.configuration is None
    assert dropped.dropped[""] == "eta=0.3 is outside [0.01, 0.2]"
    with pytest.raises(InvalidInputError, match=r"eta=0.3 is outside \[0.01, 0.2\]"):
        adapt(LIGHTGBM, space, "raise")
    with pytest.raises(InvalidInputError, match="Unknown policy 'bend'"):
        adapt(LIGHTGBM, space, "bend")  # type: ignore[arg-type]


def test_a_configuration_of_which_nothing_is_searched_is_dropped() -> None:
    assert adapt(LIGHTGBM, SearchSpace({"temperature": Float(0, 1)})).configuration is None


def test_an_adaptation_pickles() -> None:
    found = adapt(LIGHTGBM, SearchSpace({"eta": Float(0.01, 0.2)}))
    assert pickle.loads(pickle.dumps(found)) == found


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 600),
    st.floats(-1e3, 1e3, allow_nan=False),
    st.sampled_from(["gini", "x"]),
)
PARAMETERS = st.one_of(
    st.builds(lambda low, width, log: Float(low, low + width, log), st.floats(0.01, 5), st.floats(0.1, 9), st.booleans()),
    st.builds(lambda low, width, step: Integer(low, low + width, step=step), st.integers(1, 9), st.integers(1, 90), st.integers(1, 5)),
    st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda v: (type(v), v)).map(lambda v: Categorical(tuple(v))),
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["num_leaves", "eta", "max_depth", "junk", "reg_alpha"]), PARAMETERS, min_size=1),
    st.dictionaries(st.sampled_from(["num_leaves", "learning_rate", "reg_alpha", "subsample"]), VALUES),
)
def test_whatever_comes_out_lies_in_the_space_and_is_complete(parameters: Any, params: Any) -> None:
    space = SearchSpace(parameters)
    defaults = get_model("lightgbm").defaults[ProblemType.BINARY]
    found = adapt(Configuration("lightgbm", params), space, defaults=defaults)
    if found.configuration is not None:
        assert set(found.configuration.params) == set(space.parameters)
        assert space.contains(found.configuration.params)
        kept = {ours: found.renamed.get(ours, ours) for ours in params if ours not in found.dropped}
        for ours, theirs in kept.items():  # what is neither reported as changed nor dropped is what was asked for
            if theirs in space.parameters and theirs not in found.changed:
                new = found.configuration.params[theirs]
                assert new == params[ours] or math.isclose(float(new), float(params[ours]), rel_tol=1e-9)  # type: ignore[arg-type]


@given(st.data())
def test_adapting_twice_changes_nothing_more(data: st.DataObject) -> None:
    space = SearchSpace({"num_leaves": Integer(2, 40), "eta": Float(0.01, 0.2, log=True)})
    params = {"num_leaves": data.draw(st.integers(1, 500)), "learning_rate": data.draw(st.floats(1e-4, 1))}
    once = adapt(Configuration("lightgbm", params), space).configuration
    assert once is not None
    assert adapt(once, space).configuration == once
    assert adapt(once, space).is_exact


@pytest.mark.parametrize(
    ("ours", "value", "parameter", "wanted"),
    [
        ("max_features", 0.39, Integer(1, 30), 12),
        ("max_features", 0.39, Float(0.1, 1.0), 0.39),
        ("max_features", 5, Float(0.1, 0.9), 0.5),  # of how many columns is not known
        ("max_samples", 1.0, Integer(10, 400), 400),
        ("min_samples_leaf", 1, Float(0.01, 0.5), 0.01),
        ("min_samples_leaf", 7, Categorical((0.05, 0.1)), 0.05),
        ("min_samples_leaf", 7, Integer(1, 20), 7),
    ],
)
def test_a_share_is_no_count(ours: str, value: float, parameter: Any, wanted: float) -> None:
    found = adapt(Configuration("random_forest", {ours: value}), SearchSpace({ours: parameter})).configuration
    assert found is not None
    assert found.params[ours] == pytest.approx(wanted)


def test_another_kernel_makes_another_model() -> None:
    space = SearchSpace({"kernel": Categorical(("linear", "poly")), "C": Float(0.1, 10)})
    found = adapt(Configuration("svm", {"kernel": "rbf", "C": 1.0}), space)
    assert found.configuration is None
    assert "another model" in found.dropped[""]


def pair(rate: float, trees: int, space: SearchSpace) -> Any:
    return adapt(Configuration("lightgbm", {"learning_rate": rate, "n_estimators": trees}), space)


def test_what_belongs_to_a_clipped_value_moves_with_it() -> None:
    space = SearchSpace({"eta": Float(0.1, 0.5, log=True), "num_trees": Integer(10, 1000)})
    found = pair(0.02, 800, space)
    assert dict(found.configuration.params) == {"eta": 0.1, "num_trees": 160}
    assert dict(found.changed) == {"eta": (0.02, 0.1), "num_trees": (800, 160)}


def test_a_pair_of_which_the_space_has_nothing_like_it_is_no_seed() -> None:
    found = pair(0.02, 800, SearchSpace({"eta": Float(0.3, 0.5), "num_trees": Integer(400, 1000)}))
    assert found.configuration is None
    assert "belong together" in found.dropped[""]
    boosting = Configuration("catboost", {"learning_rate": 0.5, "iterations": 1000})
    few = SearchSpace({"learning_rate": Float(0.1, 0.6), "iterations": Integer(10, 50)})
    assert adapt(boosting, few).configuration is None
