"""Figures for notebooks: what they show, not how it looks."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

import metalearn as ml
from metalearn._installation import install_command
from metalearn.exceptions import InvalidInputError, UnknownNameError
from metalearn.knowledge import KnowledgeBase
from metalearn.recommendation import Recommendation

mpl.use("agg")
from matplotlib import pyplot as plt

HOSTILE = r"$\frac{a}$ <b> _x"


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rec() -> Recommendation:
    rng = np.random.default_rng(0)
    return ml.recommend(rng.normal(size=(60, 4)), rng.integers(0, 2, 60), n=4, name="mine")


@pytest.fixture(scope="module")
def model() -> ml.MetaLearnClassifier:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return ml.MetaLearnClassifier(n_trials=3, families=["linear", "nb", "knn"]).fit(X, X[:, 0] > 0)


def texts(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.texts]


def test_scores_stand_over_their_seconds(rec: Recommendation) -> None:
    ax = ml.plot.scores(rec)
    assert texts(ax) == ["1", "2", "3", "4"]
    dots = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert dots == [(c.expected_seconds, c.expected_score) for c in rec]
    assert ax.get_ylabel() == "expected roc_auc"
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("seconds", [(0.0121, 0.0137), (0.009, 0.24), (0.05, 0.05), (0.001, 4000.0)])
def test_seconds_have_a_few_round_labels_that_do_not_overlap(rec: Recommendation, seconds: tuple[float, float]) -> None:
    timed = [replace(c, expected_seconds=s) for c, s in zip(rec[:2], seconds, strict=True)]
    ax = ml.plot.scores(replace(rec, candidates=tuple(timed)))
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels(which="both") if label.get_text()]
    low, high = ax.get_window_extent().intervalx
    boxes = sorted((box for box in boxes if low <= box.x0 and box.x1 <= high), key=lambda box: box.x0)
    assert 2 <= len(boxes) <= 10
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))


def test_the_map_holds_every_past_task_and_names_the_near_ones(rec: Recommendation) -> None:
    ax = ml.plot.past_tasks(rec)
    assert sum(len(c.get_offsets()) for c in ax.collections) == len(rec.places)
    assert texts(ax)[-1] == "mine"
    assert set(texts(ax)[:-1]) == {n.name for n in rec.neighbours[:3]}
    with pytest.raises(InvalidInputError, match="no map"):
        ml.plot.past_tasks(Recommendation.from_dict(rec.to_dict()))


def test_drivers_stand_in_order(rec: Recommendation) -> None:
    ax = ml.plot.drivers(rec)
    assert [bar.get_width() / 100 for bar in ax.patches] == pytest.approx(list(rec.drivers.values())[:8])
    assert [t.get_text() for t in ax.get_yticklabels()] == list(rec.drivers)[:8]
    assert ax.yaxis_inverted()


def test_the_curve_of_a_search_ends_with_its_best(model: ml.MetaLearnClassifier) -> None:
    ax = ml.plot.progress(model)
    line = ax.lines[0]
    assert line.get_ydata()[-1] == max(model.leaderboard_["score"])
    assert line.get_xdata()[-1] == pytest.approx(model.seconds_)
    assert ax.get_ylabel() == "roc_auc"


def test_families_of_a_search_begin_with_the_best(model: ml.MetaLearnClassifier) -> None:
    ax = ml.plot.families(model)
    best = model.leaderboard_.groupby("model")["score"].max().sort_values(ascending=False)
    assert [t.get_text() for t in ax.get_yticklabels()] == list(best.index)
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("plot", [ml.plot.progress, ml.plot.families])
def test_a_search_that_did_not_run_cannot_be_drawn(plot: Callable[..., Any]) -> None:
    with pytest.raises(InvalidInputError, match="not fitted"):
        plot(ml.MetaLearnClassifier())
    metric = SimpleNamespace(name="r2", greater_is_better=True)
    assert plot(SimpleNamespace(trial_facts_=[], metric_=metric, seconds_=0.0)).get_title() == ""


def test_a_knowledge_base_shows_its_tasks_and_fits() -> None:
    known = ml.bundled_knowledge_base()
    ax = ml.plot.sizes()
    assert sum(len(c.get_offsets()) for c in ax.collections) == len(known)
    ax = ml.plot.fits(known)
    assert sum(bar.get_width() for bar in ax.patches) == known.summary()["fits"]
    assert ml.plot.sizes(KnowledgeBase.empty()).get_legend() is None


def test_regrets_fall_and_forest_knows_better_than_chance() -> None:
    ax = ml.plot.regrets(problem_type="multiclass", recommenders=("default", "forest"), n=5, n_folds=3)
    chance, forest = ax.lines
    assert (np.diff(forest.get_ydata()) <= 0).all()
    assert forest.get_ydata()[0] < chance.get_ydata()[0]
    assert list(forest.get_xdata()) == [1, 2, 3, 4, 5]


def test_regrets_refuse_what_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'forest'"):
        ml.plot.regrets(problem_type="multiclass", recommenders=["forrest"])


def test_axes_that_are_given_are_drawn_on_and_returned(rec: Recommendation, model: ml.MetaLearnClassifier) -> None:
    _, axes = plt.subplots(1, 5)
    drawn = [
        ml.plot.scores(rec, ax=axes[0]),
        ml.plot.past_tasks(rec, ax=axes[1]),
        ml.plot.drivers(rec, ax=axes[2]),
        ml.plot.progress(model, ax=axes[3]),
        ml.plot.families(model, ax=axes[4]),
    ]
    assert drawn == list(axes)
    assert len(plt.get_fignums()) == 1


def test_names_are_never_read_as_mathematics(rec: Recommendation) -> None:
    named = replace(rec, drivers={HOSTILE: 0.4}, places=(replace(rec.places[0], name=HOSTILE), *rec.places[1:]))
    for plot in (ml.plot.drivers, ml.plot.past_tasks):
        plot(named).figure.canvas.draw()


def test_matplotlib_is_loaded_by_the_first_plot_only() -> None:
    script = (
        "import sys, metalearn as ml; ml.plot; assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "try: ml.plot.fits()\n"
        "except ImportError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert install_command("plot") in out.stdout, out.stderr


@pytest.mark.parametrize("plot", [ml.plot.scores, ml.plot.past_tasks, ml.plot.drivers])
def test_what_is_no_recommendation_is_refused(plot: Callable[..., Any]) -> None:
    with pytest.raises(
        InvalidInputError, match=r"MetaLearnClassifier is no recommendation\..* pass its recommendation_"
    ):
        plot(ml.MetaLearnClassifier())
