import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_wine

import metalearn as ml
from metalearn.exceptions import InvalidInputError
from metalearn.report.model import held_out_facts, held_out_figures

plt = pytest.importorskip("matplotlib.pyplot")
OPTIONS = {"n_trials": 1, "families": ["linear"], "progress": False}


def test_classes_are_counted_as_they_were_predicted() -> None:
    truth = np.array([0, 1, 1, 0] * 10)
    right = np.where(truth == 1, 0.9, 0.2)
    found = held_out_facts(truth, np.column_stack([1 - right, right]), ["no", "yes"])
    assert found is not None
    assert found["confusion"] == [[20, 0], [0, 20]]
    assert found["lines"]["roc"][0]["label"] == "yes (area 1)"
    assert found["lines"]["calibration"][0]["x"] == [0.2, 0.9]
    titles = [title for title, _, _ in held_out_figures(found)]
    assert titles == ["Confusion matrix", "ROC curve", "Precision and recall", "Calibration"]


def test_numbers_are_shown_in_groups_of_rows_only() -> None:
    truth = np.random.default_rng(0).normal(size=200)
    found = held_out_facts(truth, truth + 0.25, [])
    assert found is not None
    assert set(found["lines"]) == {"predicted", "residuals"}
    assert found["lines"]["residuals"][1]["y"] == pytest.approx([-0.25] * 20)
    assert len(found["lines"]["predicted"][0]["x"]) == 20


def test_too_few_rows_have_no_figures() -> None:
    assert held_out_facts(np.arange(9.0), np.full(9, np.nan), []) is None
    assert held_out_figures(None) == []


def test_the_report_and_the_plots_show_the_chosen_classifier() -> None:
    X, y = load_wine(return_X_y=True, as_frame=True)
    names = pd.Series(["<barolo>", "b", "c"]).iloc[y].reset_index(drop=True)
    model = ml.tune(X.iloc[::2].reset_index(drop=True), names.iloc[::2].reset_index(drop=True), **OPTIONS)
    page = model.to_html()
    for title in ("Confusion matrix", "ROC curve", "Precision and recall", "Calibration"):
        assert f">{title}<" in page
    assert "<barolo>" not in page
    for figure in (ml.plot.confusion, ml.plot.roc, ml.plot.precision_recall, ml.plot.calibration):
        assert figure(model).get_figure() is not None
    ax = ml.plot.importance(model, X.iloc[1::2], names.iloc[1::2], seconds=60)
    assert ax.get_title() == "13 of 13 columns shuffled"
    assert ml.plot.importance(model, X.iloc[1::2], names.iloc[1::2], seconds=0).get_title().startswith("1 of 13")
    with pytest.raises(InvalidInputError, match="no facts about residuals"):
        ml.plot.residuals(model)
    plt.close("all")


def test_the_report_and_the_plots_show_the_chosen_regressor() -> None:
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = ml.tune(X, y, **OPTIONS)
    page = model.to_html()
    assert ">Predicted against true<" in page
    assert ">Residuals<" in page
    assert len(ml.plot.predicted(model).lines) == 4
    assert len(ml.plot.residuals(model).lines) == 4
    plt.close("all")
