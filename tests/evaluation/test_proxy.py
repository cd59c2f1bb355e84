import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, make_scorer

from metalearn.evaluation.proxy import with_stand_ins
from metalearn.exceptions import InvalidInputError
from metalearn.task import METRICS, Metric, ProblemType, get_metric

BINARY, NUMBERS = ProblemType.BINARY, ProblemType.REGRESSION


def stand_ins(metric: str | Metric, target: np.ndarray, problem_type: ProblemType) -> dict[str, float]:
    classes = np.unique(target) if problem_type.is_classification else None
    codes = target if classes is None else np.searchsorted(classes, target)
    table = pd.DataFrame({"x": np.arange(len(target))})
    return dict(with_stand_ins(get_metric(metric, problem_type), table, codes, problem_type, classes).stand_ins)


def labels(share: float, *, text: bool = False) -> np.ndarray:
    found = (np.random.default_rng(1).random(800) < share).astype(int)
    return np.array(["no", "yes"])[found] if text else found


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize(
    ("own", "like"),
    [
        ("matthews_corrcoef", "f1_macro"),
        ("average_precision", "roc_auc"),
        ("neg_brier_score", "log_loss"),
        ("d2_log_loss_score", "log_loss"),
        ("recall", "balanced_accuracy"),
    ],
)
def test_what_people_would_choose_stands_in(own: str, like: str, share: float) -> None:
    found = stand_ins(own, labels(share), BINARY)
    assert next(iter(found)) == like
    assert sorted(found) == sorted(m for m in METRICS if BINARY in METRICS[m].problem_types)
    assert all(-1 <= agreement <= 1 for agreement in found.values())


@pytest.mark.parametrize(
    ("own", "like"),
    [
        ("neg_mean_squared_error", "r2"),
        ("neg_mean_absolute_percentage_error", "mae"),
        ("neg_median_absolute_error", "mae"),
        ("neg_mean_squared_log_error", "mae"),
        ("neg_max_error", "r2"),
    ],
)
def test_errors_of_numbers_are_told_apart(own: str, like: str) -> None:
    assert next(iter(stand_ins(own, np.exp(np.random.default_rng(0).normal(size=500)), NUMBERS))) == like


def test_a_metric_agrees_with_itself_and_its_opposite_does_not() -> None:
    def opposite(model: object, X: object, y: np.ndarray) -> float:
        assert X is not None
        return float((model.predict(X) != y).mean())  # type: ignore[attr-defined]

    found = stand_ins(Metric("opposite", greater_is_better=True, scorer=opposite), labels(0.3, text=True), BINARY)
    assert found["accuracy"] == -1
    assert next(iter(found)) != "accuracy"


def test_a_metric_that_says_nothing_leaves_the_default() -> None:
    constant = Metric("constant", greater_is_better=True, scorer=lambda *_: 1.0)
    assert next(iter(stand_ins(constant, labels(0.3), BINARY))) == "roc_auc"
    undefined = Metric("undefined", greater_is_better=True, scorer=lambda *_: float("nan"))
    with pytest.raises(InvalidInputError, match="gives no number"):
        stand_ins(undefined, labels(0.3), BINARY)


def test_the_answer_is_the_same_each_time_and_rare_classes_are_kept() -> None:
    target = np.repeat(np.arange(4), [500, 40, 3, 1])
    kind = ProblemType.MULTICLASS
    first = stand_ins("matthews_corrcoef", target, kind)
    assert first == stand_ins("matthews_corrcoef", target, kind)


def test_a_scorer_that_cannot_score_the_target_is_told_before_anything_is_fitted() -> None:
    named = make_scorer(f1_score, pos_label="absent")
    with pytest.raises(InvalidInputError, match=r"f1_score.*cannot score this target.*pos_label"):
        stand_ins(named, labels(0.3, text=True), BINARY)


def test_of_two_labels_the_second_is_positive() -> None:
    by_text, by_number = (stand_ins("f1", labels(0.3, text=text), BINARY) for text in (True, False))
    assert by_text == by_number


def test_known_metrics_are_left_alone() -> None:
    assert not stand_ins("accuracy", labels(0.3), BINARY)
