import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError, MissingExtraError, UnknownNameError
from metalearn.hooks import Drop, Hook, SeedReport, get_hook, hook_names
from metalearn.hooks.base import SeedOptions, plan, plan_told, require_tool, told_value
from metalearn.recommendation import Recommendation
from metalearn.space import Categorical, Configuration, Float, Integer, SearchSpace

TOOLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "autogluon": ("autogluon", lambda hook: hook.seed({}, [])),
    "ax": ("ax", lambda hook: hook.seed(None, [])),
    "bayesopt": ("bayes_opt", lambda hook: hook.seed(None, [])),
    "flaml": ("flaml", lambda hook: hook.seed({}, [])),
    "hyperopt": ("hyperopt", lambda hook: hook.seed(None, [], space={})),
    "nevergrad": ("nevergrad", lambda hook: hook.seed(None, [])),
    "optuna": ("optuna", lambda hook: hook.seed(None, [])),
    "pycaret": ("pycaret", lambda hook: hook.seed({}, [])),
    "ray": ("ray", lambda hook: hook.seed({}, [], searcher="basic")),
    "skopt": ("skopt", lambda hook: hook.seed({}, [])),
    "smac": ("smac", lambda hook: hook.seed({}, [])),
    "syne_tune": ("syne_tune", lambda hook: hook.seed({}, [])),
}
SPACE = SearchSpace({"eta": Float(0.01, 0.5, log=True), "num_leaves": Integer(2, 64)})


def test_every_tool_has_a_hook() -> None:
    assert set(hook_names()) == {*TOOLS, "sklearn"}


@pytest.mark.parametrize("name", [*TOOLS, "sklearn"])
def test_every_hook_has_the_same_four_functions(name: str) -> None:
    assert isinstance(get_hook(name), Hook)


def test_an_unknown_hook_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'optuna'"):
        get_hook("optunna")


def test_loading_every_hook_imports_no_tool() -> None:
    code = (
        "import sys, metalearn.hooks as hooks\n"
        "assert all(hooks.get_hook(name) for name in hooks.hook_names())\n"
        f"print({ {package for package, _ in TOOLS.values()} | {'ConfigSpace', 'torch'} } & sys.modules.keys())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize("name", TOOLS)
def test_a_missing_tool_gives_the_line_that_installs_it(name: str) -> None:
    package, call = TOOLS[name]
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed")
    with pytest.raises(MissingExtraError) as caught:
        call(get_hook(name))
    told = re.sub(r"pip install [^&]*\[(\w[\w-]*)\]\S*", r'pip install "metalearn-recommender[\1]"', str(caught.value))
    said = re.findall(r"pip install [^&]*[^&. ]", told)  # whichever way metalearn was installed
    page = (Path(__file__).parents[2] / "docs" / "hooks" / f"{name}.md").read_text(encoding="utf-8")
    assert said
    assert all(f"\n{line}\n" in page for line in said)


def test_a_broken_tool_is_not_called_missing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "halfway.py").write_text("import something_it_needs\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="something_it_needs") as caught:
        require_tool("halfway", "half")
    assert not isinstance(caught.value, MissingExtraError)


def test_a_space_of_one_family_takes_that_familys_candidates(recommendation: Recommendation) -> None:
    report = plan("tool", recommendation, SPACE)
    assert [seed.rank for seed in report.accepted] == [1, 3, 4]
    assert Drop(2, "", "random_forest, but the search space is that of lightgbm") in report.dropped
    assert [(c.rank, c.parameter, c.old, c.new) for c in report.changed] == [
        (1, "num_leaves", 300, 64),
        (3, "eta", 0.9, 0.5),
    ]


def test_a_space_that_chooses_takes_every_family_it_offers(recommendation: Recommendation) -> None:
    space = SearchSpace(
        {"model": Categorical(("lgbm", "rf")), "num_leaves": Integer(2, 64), "max_features": Float(0, 1)}
    )
    report = plan("tool", recommendation, space)
    assert [seed.params["model"] for seed in report.accepted] == ["lgbm", "rf", "lgbm", "lgbm"]


def test_the_family_and_the_number_can_be_asked_for(recommendation: Recommendation) -> None:
    space = SearchSpace({"n_estimators": Integer(10, 100)})
    assert [s.rank for s in plan("tool", recommendation, space, matching={"family": "rf"}).accepted] == [2]
    assert [s.rank for s in plan("tool", recommendation, SPACE, matching={"n": 2}).accepted] == [1]


def test_a_family_without_candidates_comes_with_advice(recommend: Callable[..., Recommendation]) -> None:
    report = plan("tool", recommend(Configuration("svm", {"C": 1.0})), SPACE)
    assert not report
    assert "recommend(..., families=['lightgbm'])" in report.notes[-1]


def test_seeds_that_become_the_same_are_given_once(recommend: Callable[..., Recommendation]) -> None:
    twins = [Configuration("lightgbm", {"num_leaves": n, "learning_rate": 0.1}) for n in (100, 200, 30)]
    report = plan("tool", recommend(*twins), SPACE)
    assert [seed.rank for seed in report.accepted] == [1, 3]
    assert Drop(2, "", "the same as seed 1 after adaptation") in report.dropped


def test_strict_raises_before_anything_is_touched(recommendation: Recommendation) -> None:
    with pytest.raises(InvalidInputError, match="num_leaves: 300 -> 64"):
        plan("tool", recommendation, SPACE, strict=True)


def test_without_a_space_seeds_keep_our_names_beside_their_family(recommendation: Recommendation) -> None:
    report = plan("tool", recommendation, None, matching={"names": {"learning_rate": "eta"}, "model_parameter": "m"})
    assert dict(report.accepted[0].params) == {
        "m": "lightgbm",
        "eta": 0.1,
        "min_child_samples": 5,
        "n_estimators": 60,
        "num_leaves": 300,
    }


def result(value: float, *, leaves: int = 9, fold: int = 0, status: Status = Status.OK, **changes: Any) -> Evaluation:
    configuration = Configuration("lightgbm", {"learning_rate": 0.2, "num_leaves": leaves})
    fields = {"task_id": "t", "metric": "accuracy", **changes}
    return Evaluation(configuration=configuration, value=value, fold=fold, status=status, **fields)


def test_only_results_that_mean_the_same_are_told() -> None:
    report, results = plan_told("tool", [result(0.8), result(0.6, fold=1), result(0.9, leaves=500)], SPACE)
    assert [seed.rank for seed in report.accepted] == [1]
    assert results[1].value == pytest.approx(0.7)
    assert "num_leaves=500" in report.dropped[0].why


def test_a_result_with_a_parameter_that_the_space_lacks_is_not_told() -> None:
    space = SearchSpace({"num_leaves": Integer(2, 64)})
    report, _ = plan_told("tool", [result(0.8)], space)
    assert not report
    assert "another configuration" in report.dropped[0].why


def test_results_that_a_tool_cannot_take_are_dropped_or_an_error() -> None:
    results = [result(0.8), result(float("nan"), leaves=3, status=Status.PRUNED)]
    report, _ = plan_told("tool", results, SPACE, takes=[Status.OK, Status.FAILED])
    assert [seed.rank for seed in report.accepted] == [1]
    assert report.dropped == (Drop(2, "", "tool takes no result that is pruned"),)
    with pytest.raises(InvalidInputError, match="takes no result that is pruned"):
        plan_told("tool", results, SPACE, takes=[Status.OK, Status.FAILED], strict=True)


def test_results_of_several_tasks_or_metrics_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="several tasks or metrics"):
        plan_told("tool", [result(0.8), result(0.1, leaves=3, metric="log_loss")], SPACE)


@pytest.mark.parametrize(
    ("metric", "maximize", "told"),
    [
        ("accuracy", True, 0.8),
        ("1-accuracy", False, 0.2),
        ("neg_accuracy", False, -0.8),
        ("log_loss", False, 0.8),
        ("neg_log_loss", True, -0.8),
    ],
)
def test_a_told_value_is_what_the_objective_would_have_returned(metric: str, *, maximize: bool, told: float) -> None:
    found = result(0.8, metric=metric.removeprefix("neg_").removeprefix("1-"))
    assert told_value(found, maximize=maximize, metric=metric) == pytest.approx(told)


def test_a_value_whose_sign_nobody_tells_is_not_told() -> None:
    with pytest.raises(InvalidInputError, match="Say metric='neg_accuracy'"):
        told_value(result(0.8), maximize=False)
    with pytest.raises(InvalidInputError, match="the objective returns roc_auc"):
        told_value(result(0.8), maximize=True, metric="roc_auc")


def test_options_that_mean_nothing_are_told(recommendation: Recommendation) -> None:
    def matched(**options: Any) -> SeedReport:
        return plan("tool", recommendation, SPACE, matching=cast("SeedOptions", options))

    with pytest.raises(UnknownNameError, match="Unknown option 'polcy'\\. Did you mean 'policy'"):
        matched(polcy="drop")
    for n in (0, -1, 1.5, True):
        with pytest.raises(InvalidInputError, match=f"n is {n}"):
            matched(n=n)
    assert "no parameter 'zzz'" in matched(names={"learning_rate": "zzz"}).notes[-1]
    assert "no parameter 'kind'" in matched(model_parameter="kind").notes[-1]


@pytest.mark.parametrize("seeds", [["lightgbm"], [{"num_leaves": 31}], "svm"])
def test_what_is_no_configuration_is_no_seed(seeds: Any) -> None:
    with pytest.raises(InvalidInputError, match="Expected a recommendation"):
        plan("tool", seeds, SPACE)


@pytest.mark.parametrize(
    ("module", "old", "new"), [("base", "Matching", "SeedOptions"), ("harvest", "Reading", "HarvestOptions")]
)
def test_old_names_of_options_are_deprecated(module: str, old: str, new: str) -> None:
    home = importlib.import_module(f"metalearn.hooks.{module}")
    with pytest.warns(DeprecationWarning, match=new):
        assert getattr(home, old) is getattr(home, new)
    with pytest.raises(AttributeError, match="absent"):
        _ = home.absent
