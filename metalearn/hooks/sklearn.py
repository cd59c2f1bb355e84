"""scikit-learn: put the seeds first in grid, halving and randomized searches, read results back."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold, ParameterSampler, RandomizedSearchCV, StratifiedKFold

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError, MetalearnError
from metalearn.hooks.base import SeedOptions, Startable, plan, warn_of_lost_conditions
from metalearn.hooks.choices import label
from metalearn.hooks.harvest import Harvest, Trial, Trials
from metalearn.hooks.report import Drop, Seed, SeedReport
from metalearn.hooks.tool import Queued, SeedTool
from metalearn.models import get_model
from metalearn.space import Categorical, Float, Integer, Parameter, SearchSpace
from metalearn.space.aliases import PARAMETERS, UNSET_VALUES, family_of, known_name
from metalearn.task import METRICS, Metric, ProblemType, get_metric

__all__ = [
    "LogInteger",
    "SeededRandomizedSearchCV",
    "harvest",
    "read_space",
    "seed",
    "tell",
    "trials",
    "verify",
    "write_space",
]


class LogInteger:
    """Draw whole numbers on a logarithmic scale, which scipy.stats lacks."""

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def rvs(self, size: int | None = None, random_state: Any = None) -> Any:
        """Draw values."""
        random = random_state if hasattr(random_state, "uniform") else np.random.RandomState(random_state)
        exponent = random.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5), size)
        found = np.clip(np.rint(np.exp(exponent)), self.low, self.high).astype(int)
        return int(found) if size is None else found


class SeededRandomizedSearchCV(RandomizedSearchCV):  # type: ignore[misc]
    """Evaluate given candidates first, then random ones, ``n_iter`` in all.

    Parameters
    ----------
    estimator : estimator
        What is tuned.
    param_distributions : dict or list of dict
        As in RandomizedSearchCV.
    seeds : sequence of dict, default=()
        Parameters to be tried first.
    n_iter : int, default=10
        How many candidates in all; seeds beyond it are not tried.
    scoring : str, callable, list or dict, default=None
        As in RandomizedSearchCV.
    n_jobs : int or None, default=None
        As in RandomizedSearchCV.
    refit : bool, str or callable, default=True
        As in RandomizedSearchCV.
    cv : int, splitter or iterable, default=None
        As in RandomizedSearchCV.
    verbose : int, default=0
        As in RandomizedSearchCV.
    pre_dispatch : int or str, default="2*n_jobs"
        As in RandomizedSearchCV.
    random_state : int, RandomState or None, default=None
        As in RandomizedSearchCV.
    error_score : "raise" or float, default=nan
        As in RandomizedSearchCV.
    return_train_score : bool, default=False
        As in RandomizedSearchCV.
    """

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        seeds: Sequence[Mapping[str, Any]] = (),
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.seeds = seeds

    def _run_search(self, evaluate_candidates: Callable[[Iterable[Mapping[str, Any]]], Any]) -> None:
        first = [dict(seed) for seed in self.seeds[: self.n_iter]]
        rest = self.n_iter - len(first)
        drawn = ParameterSampler(self.param_distributions, rest, random_state=self.random_state) if rest else ()
        evaluate_candidates([*first, *drawn])


def _choices(values: Iterable[Any]) -> dict[Any, Any]:
    """Return the original choices by their labels; True and 1 stay apart."""
    return {(type(label(value)), label(value)): value for value in values}


def _parameter(domain: Any) -> Parameter:
    if isinstance(domain, LogInteger):
        return Integer(domain.low, domain.high, log=True)
    if hasattr(domain, "dist") and hasattr(domain, "support"):
        low, high = domain.support()
        if not (math.isfinite(low) and math.isfinite(high)):
            low, high = domain.ppf([0.001, 0.999])
        if hasattr(domain.dist, "pmf"):
            return Integer(int(low), int(high))
        return Float(float(low), float(high), log=domain.dist.name in {"loguniform", "reciprocal"})
    if hasattr(domain, "rvs") or not isinstance(domain, Iterable):
        message = (
            f"{domain!r} cannot be read as a range. Expected a list or a scipy.stats distribution. Use one of them."
        )
        raise InvalidInputError(message)
    return Categorical(tuple(name for _, name in _choices(domain)))


def read_space(distributions: Mapping[str, Any]) -> SearchSpace:
    """Return a search space from a parameter grid or parameter distributions."""
    return SearchSpace({name: _parameter(domain) for name, domain in distributions.items()})


def write_space(space: SearchSpace) -> dict[str, Any]:
    """Return parameter distributions for a search space."""
    from scipy import stats  # noqa: PLC0415 - slow to import, and not needed to seed

    warn_of_lost_conditions("scikit-learn", space.conditions)
    found: dict[str, Any] = {}
    for name, p in space.parameters.items():
        if isinstance(p, Categorical):
            found[name] = list(p.choices)
        elif isinstance(p, Integer) and p.log:
            found[name] = LogInteger(p.low, p.high)
        elif p.grid:
            found[name] = list(p.grid)
        elif isinstance(p, Integer):
            found[name] = stats.randint(p.low, p.high + 1)
        else:
            found[name] = stats.loguniform(p.low, p.high) if p.log else stats.uniform(p.low, p.high - p.low)
    return found


def _hull(space: SearchSpace) -> SearchSpace:
    """Return the space with lists of numbers as ranges: a seed may lie between two points of a grid."""
    parameters: dict[str, Parameter] = {}
    for name, p in space.parameters.items():
        numeric = isinstance(p, Categorical) and all(type(c) in (int, float) for c in p.choices)
        if isinstance(p, Categorical) and numeric and len(p.choices) > 1:
            numbers: list[Any] = list(p.choices)
            kind: type[Integer | Float] = Integer if all(type(c) is int for c in numbers) else Float
            parameters[name] = kind(min(numbers), max(numbers))
        else:
            parameters[name] = p
    return SearchSpace(parameters)


def _last_step(estimator: Any) -> Any:
    if hasattr(estimator, "steps"):
        return _last_step(estimator.steps[-1][1])
    return _last_step(estimator.regressor) if isinstance(estimator, TransformedTargetRegressor) else estimator


def _set_by_hand(estimator: Any) -> dict[str, Any]:
    """Return the parameters that are known of an estimator's family and differ from its class's defaults."""
    family = family_of(type(estimator).__name__)
    if family is None:
        return {}
    known = {*PARAMETERS[family], *UNSET_VALUES.get(family, {}), "hidden_layer_sizes"}
    usual = type(estimator)().get_params(deep=False)
    given = {n: v for n, v in estimator.get_params(deep=False).items() if known_name(n, family) in known}
    return {n: v for n, v in given.items() if n not in usual or repr(usual[n]) != repr(v)}


def _own_space(estimator: Any, family: str) -> SearchSpace:
    """Return the family's space under the names that an estimator or pipeline gives its parameters."""
    spec = get_model(family)
    kind = next(k for k in spec.spaces if k.is_classification == is_classifier(estimator))
    theirs = {known_name(name, family): name for name in reversed(list(estimator.get_params()))}
    return SearchSpace(
        {theirs[ours]: p for ours, p in spec.spaces[kind].parameters.items() if ours in theirs},
        {
            theirs[ours]: replace(c, parent=theirs[c.parent])
            for ours, c in spec.spaces[kind].conditions.items()
            if ours in theirs and c.parent in theirs
        },
    )


def _branches(search: Any) -> Iterator[tuple[dict[str, Any], SeedOptions]]:
    """Yield each dict of the search's grid or distributions with the family, or the choice, it tunes."""
    held = search.param_grid if hasattr(search, "param_grid") else search.param_distributions
    own = family_of(type(_last_step(search.estimator)).__name__)
    for branch in [held] if isinstance(held, Mapping) else held:
        steps = [
            name
            for name, values in branch.items()
            if isinstance(values, list | tuple) and any(hasattr(value, "get_params") for value in values)
        ]
        if steps:
            yield dict(branch), {"model_parameter": steps[0]}
        else:
            yield dict(branch), {"family": own} if own is not None else {}


def _measured(search: Any, metric: str | Metric | None = None) -> tuple[str, str | Metric | None]:
    """Return the name of the column of scores that is read, and what it measures, if that is known."""
    classifies = is_classifier(search.estimator)
    if not search.multimetric_:
        said = ("accuracy" if classifies else "r2") if search.scoring is None else search.scoring
        return "score", metric or (said if isinstance(said, str) else None)
    kind = next(k for k in ProblemType if k.is_classification == classifies)
    scorers = search.scoring if isinstance(search.scoring, Mapping) else {}
    names = [name.removeprefix("mean_test_") for name in search.cv_results_ if name.startswith("mean_test_")]
    measured = {name: _metric_name(scorers.get(name, name), name, kind) for name in names}
    chosen = search.refit if isinstance(search.refit, str) else names[0]
    if metric is None:
        return chosen, measured[chosen]
    wanted = metric.name if isinstance(metric, Metric) else metric
    same = [name for name in names if name == wanted or measured[name] == _metric_name(wanted, wanted, kind)]
    if same:
        return same[0], measured[same[0]] if same[0] == wanted else metric
    if measured[chosen] in METRICS:
        message = f"The search measured {names}, not {wanted!r}. Expected one of these. Name it: metric={chosen!r}."
        raise InvalidInputError(message)
    return chosen, metric  # the user alone knows what the name of the column means


def _metric_name(scorer: Any, name: str, kind: ProblemType) -> str:
    """Return our name of what a scorer measures, or the one that it has."""
    try:
        return get_metric(scorer, kind).name
    except MetalearnError:
        return name


class _Sklearn(SeedTool):
    """Seed a search that is not yet fitted."""

    name = distribution = "scikit-learn"
    refusal = "scikit-learn takes no known results"

    def require(self) -> None:
        """Need nothing: scikit-learn is always there."""

    def planned(self, search: Any, recommendation: Startable, matching: Any, **_: Any) -> SeedReport:
        is_grid = hasattr(search, "param_grid")
        if not (is_grid or type(search) in {RandomizedSearchCV, SeededRandomizedSearchCV}):
            message = (
                f"A {type(search).__name__} takes no seeds. Expected GridSearchCV, HalvingGridSearchCV or "
                "RandomizedSearchCV. Use one of them."
            )
            raise InvalidInputError(message)
        items = list(recommendation)
        found: dict[int, SeedReport] = {}
        others: list[SeedReport] = []
        for branch, told in _branches(search):
            own: SeedOptions = {**told, **matching}
            space = _hull(read_space(branch)) if branch else _own_space(search.estimator, own.get("family", ""))
            report = plan(self.name, items, space, matching=own)
            for item in report.accepted:
                found.setdefault(item.rank, report)
            others.append(report)
        return _merge(items, found, others)

    def _native(self, search: Any, item: Seed) -> dict[str, Any]:
        """Return a seed with the objects that its labels stand for."""
        for branch, _ in _branches(search):
            originals = {name: _choices(v) for name, v in branch.items() if isinstance(v, list | tuple)}
            steps = [name for name in originals if any(hasattr(v, "get_params") for v in branch[name])]
            if set(item.params) == set(branch) and all((str, item.params[n]) in originals[n] for n in steps):
                return {n: originals.get(n, {}).get((type(v), v), v) for n, v in item.params.items()}
        return dict(item.params)

    def obstacle(self, search: Any, item: Seed, place: int, **_: Any) -> str:
        is_grid, held = hasattr(search, "param_grid"), _held(search)
        params = self._native(search, item)
        own = repr(sorted((name, [value] if is_grid else value) for name, value in params.items()))
        if own in [repr(sorted(branch.items())) for branch in held]:
            return "the search has it already"
        room = math.inf if is_grid else search.n_iter - len(held)
        return f"n_iter={search.n_iter} leaves no room for it" if place >= room else ""

    def enqueue(self, search: Any, seeds: Sequence[Seed], **_: Any) -> Queued:
        first, held = [self._native(search, item) for item in seeds], _held(search)
        if hasattr(search, "param_grid"):
            search.param_grid = [*({name: [v] for name, v in params.items()} for params in first), *held]
        else:
            search.__class__ = SeededRandomizedSearchCV
            search.seeds = [*held, *first]
        before = getattr(search, "_metalearn_seeds", ())
        last = max((item.rank for item in before), default=0)
        later = (replace(item, rank=last + item.rank) for item in seeds)
        search._metalearn_seeds = (*before, *later)  # noqa: SLF001 - for verify
        return seeds, ()

    def harvest(self, search: Any, X: Any, y: Any, /, **options: Any) -> Harvest:
        _, measured = _measured(search, options.get("metric"))
        if measured is not None:
            options["metric"] = measured
        if not (search.cv is None or isinstance(search.cv, Integral | KFold | StratifiedKFold)):
            options = {"way": joblib.hash(search.cv)[:8], **options}  # folds by time or group are harder, or easier
        return super().harvest(search, X, y, **options)

    def trials(self, search: Any, n_rows: int = 0, metric: str | Metric | None = None, **_: Any) -> Trials:
        results = search.cv_results_
        scorer, measured = _measured(search, metric)
        last = _last_step(search.estimator)
        by_hand = _set_by_hand(last)
        seeded = [dict(item.params) for item in getattr(search, "_metalearn_seeds", ())]
        resources = results.get("n_resources")
        partial_rows = resources is not None and search.resource == "n_samples"
        rows = []
        for i, params in enumerate(results["params"]):
            models = [_last_step(value) for value in params.values() if hasattr(value, "get_params")]
            model = next((m for m in models if family_of(type(m).__name__)), last)
            plain = (by_hand if model is last else _set_by_hand(model)) | {
                n: value for n, value in params.items() if not hasattr(value, "get_params")
            }
            note = "seeded" if {name: label(value) for name, value in params.items()} in seeded else ""
            small = partial_rows and resources[i] < search.max_resources_
            for fold in range(search.n_splits_):
                score = float(results[f"split{fold}_test_{scorer}"][i])
                ok = math.isfinite(score)
                status = Status.PRUNED if ok and small else Status.OK if ok else Status.FAILED
                rows.append(
                    Trial(
                        plain,
                        score if status is Status.OK else None,
                        status,
                        float(results["mean_fit_time"][i]),
                        f"on {resources[i]} of {n_rows} rows: {score:.6g}" if small else note,
                        fold,
                        float(results["mean_score_time"][i]),
                        model=family_of(type(model).__name__) or "",
                    )
                )
        return Trials(rows, maximize=True, metric=measured, convention="score")

    def verify(self, search: Any, report: SeedReport | None = None, /, **_: Any) -> SeedReport:  # noqa: ARG002
        seeds: Sequence[Seed] | None = getattr(search, "_metalearn_seeds", None)
        if seeds is None or not hasattr(search, "cv_results_"):
            message = (
                f"This {type(search).__name__} was not seeded and then fitted. Expected both. Call seed and fit first."
            )
            raise InvalidInputError(message)
        found = [{name: label(value) for name, value in params.items()} for params in search.cv_results_["params"]]
        scores = search.cv_results_[f"mean_test_{_measured(search)[0]}"]
        accepted, dropped = [], []
        for item in seeds:
            places = [i for i, params in enumerate(found) if params == dict(item.params)]
            if not places:
                dropped.append(Drop(item.rank, "", "it was never run"))
            elif not any(math.isfinite(scores[i]) for i in places):
                dropped.append(Drop(item.rank, "", "it failed"))
            else:
                accepted.append(Seed(item.rank, item.model, item.params, key=str(places[0])))
        return SeedReport(self.name, tuple(accepted), (), tuple(dropped), deed="evaluated")


def _held(search: Any) -> list[Any]:
    """Return the branches of a grid, or the seeds of a random search."""
    if hasattr(search, "param_grid"):
        return [branch for branch, _ in _branches(search) if branch]
    return list(getattr(search, "seeds", ()))


def _merge(items: Sequence[Any], found: Mapping[int, SeedReport], others: Sequence[SeedReport]) -> SeedReport:
    """Join the reports of several branches: a seed belongs to the branch that took it."""
    accepted, changed, dropped = [], [], []
    for rank in range(1, len(items) + 1):
        if rank in found:
            report = found[rank]
            accepted += [item for item in report.accepted if item.rank == rank]
            changed += [change for change in report.changed if change.rank == rank]
            dropped += [drop for drop in report.dropped if drop.rank == rank]
        else:
            whys = [drop for report in others for drop in report.dropped if drop.rank == rank and not drop.parameter]
            whys.sort(key=lambda drop: "none of which is" in drop.why)  # what its own family's part says comes first
            dropped += whys[:1] or [Drop(rank, "", "no part of the search tunes its model family")]
    lost = {getattr(item, "configuration", item).model for r, item in enumerate(items, 1) if r not in found}
    notes = tuple(dict.fromkeys(note for report in others for note in report.notes)) if lost else ()
    return SeedReport("scikit-learn", tuple(accepted), tuple(changed), tuple(dropped), notes)


_TOOL = _Sklearn()
seed, tell, harvest, verify, trials = _TOOL.seed, _TOOL.tell, _TOOL.harvest, _TOOL.verify, _TOOL.trials
