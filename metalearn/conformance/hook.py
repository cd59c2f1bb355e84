"""What a hook must do."""

from collections.abc import Callable, Sequence
from inspect import signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from metalearn.conformance.tables import require
from metalearn.evaluation import Evaluation, Status
from metalearn.exceptions import InvalidInputError
from metalearn.hooks import Hook, SeedReport
from metalearn.knowledge import open_store
from metalearn.metafeatures import MetaFeatures
from metalearn.recommendation import Recommendation
from metalearn.space import Configuration
from metalearn.task import Task

__all__ = ["check_hook"]


def check_hook(
    hook: Any,
    make_target: Callable[[], Any],
    run: Callable[[Any], Any],
    *,
    recommendation: Recommendation,
    X: Any,
    y: Any,
    **reading: Any,
) -> None:
    """Check that a hook keeps its promises.

    Parameters
    ----------
    hook : Hook
        A module or an object.
    make_target : callable
        Returns the tool's own object before its search, a new one each time.
    run : callable
        Has the tool search, at least as long as there are seeds, and returns the object that holds its results.
    recommendation : Recommendation
        At least two candidates of a family that the tool's search space is about.
    X : DataFrame or array-like of shape (n_rows, n_features)
        The table that ``run`` searches on.
    y : Series or array-like of shape (n_rows,)
        Its target.
    **reading : object
        What ``harvest`` has to be told, such as ``metric="accuracy"``.

    Raises
    ------
    AssertionError
        If a promise is broken; the message says which.

    Examples
    --------
    >>> import metalearn as ml
    >>> from metalearn.hooks import get_hook
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> check_hook(
    ...     get_hook("sklearn"),
    ...     lambda: GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 50], "p": [1, 2]}),
    ...     lambda search: search.fit(X, y),
    ...     recommendation=ml.recommend(X, y, n=2, families=["knn"]),
    ...     X=X,
    ...     y=y,
    ... )
    """
    require(isinstance(hook, Hook), "It lacks one of seed, tell, harvest and verify (metalearn.hooks.Hook).")
    _check_report(hook.seed(make_target(), recommendation), range(1, len(recommendation) + 1), "seed()")
    _check_nothing_fits(hook, make_target)
    before = make_target()
    seeded = hook.seed(before, recommendation)
    require(seeded, "None of the seeds is accepted, so that nothing can be checked.")
    after = run(before)
    takes_report = len(signature(hook.verify).parameters) > 1  # a tool without an object cannot remember its seeds
    _check_verified(hook.verify(after, seeded) if takes_report else hook.verify(after), seeded)
    _check_harvest(hook.harvest(after, X, y, **reading), seeded)


def _check_report(report: SeedReport, ranks: Sequence[int], what: str) -> None:
    require(isinstance(report, SeedReport), f"{what} returns a {type(report).__name__}, not a SeedReport.")
    require(report.tool and str(report), f"The report of {what} does not name the tool.")
    told = {seed.rank for seed in report.accepted} | {drop.rank for drop in report.dropped if not drop.parameter}
    require(told == set(ranks), f"The report of {what} is about the ranks {sorted(told)}, not {list(ranks)}.")
    require(all(drop.why for drop in report.dropped), f"The report of {what} does not say why something was dropped.")


def _check_nothing_fits(hook: Hook, make_target: Callable[[], Any]) -> None:
    alien = [Configuration("nobody_has_this_family", {"nobody_has_this_parameter": 1})]
    report = hook.seed(make_target(), alien)
    require(not report.accepted or report.accepted[0].params, "A seed without any parameter is accepted.")
    if report.dropped:
        try:
            hook.seed(make_target(), alien, strict=True)
        except InvalidInputError:
            return
        require(condition=False, message="With strict=True, what is dropped raises no InvalidInputError.")


def _check_verified(report: SeedReport, seeded: SeedReport) -> None:
    require(isinstance(report, SeedReport), f"verify() returns a {type(report).__name__}, not a SeedReport.")
    wanted, evaluated = ({seed.rank for seed in found.accepted} for found in (seeded, report))
    require(evaluated == wanted, f"Accepted were the ranks {sorted(wanted)}, but evaluated were {sorted(evaluated)}.")


def _check_harvest(found: Any, seeded: SeedReport) -> None:
    require(isinstance(found, tuple) and len(found) == 3, "harvest() does not return three things.")  # noqa: PLR2004
    task, measured, runs = found
    kinds = (
        isinstance(task, Task) and isinstance(measured, MetaFeatures) and all(isinstance(r, Evaluation) for r in runs)
    )
    require(kinds, "harvest() does not return a Task, MetaFeatures and a list of Evaluation.")
    require({r.task_id for r in runs} == {task.id}, "Evaluations are of other tasks than the one returned.")
    good = {r.configuration for r in runs if r.status is Status.OK}
    require(len(good) >= len(seeded.accepted), "Fewer configurations were harvested than seeds were evaluated.")
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "store")
        store.append(task, measured, runs)
        store.append(task, measured, runs)
        kept = len(store.read().evaluations)
    require(kept == len(runs), "A store does not keep all that was harvested, or keeps it twice.")
