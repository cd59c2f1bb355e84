import math

import numpy as np
import pytest

from metalearn.evaluation import Status
from metalearn.exceptions import InvalidInputError
from metalearn.space import Configuration
from metalearn.trial import Trial

C = Configuration("knn", {"n_neighbors": 3})


@pytest.mark.parametrize(
    "trial",
    [
        Trial(configuration=C, status=None, expected_score=0.7, expected_seconds=2.0),
        Trial.of(C, 0.5, 1.5, "ok"),
        Trial.of(C, None, None, Status.FAILED),
        Trial.of(C, 0.3, 2.0, "pruned"),
    ],
)
def test_a_trial_survives_plain_values(trial: Trial) -> None:
    again = Trial.from_dict(trial.to_dict())
    assert again.to_dict() == trial.to_dict()
    assert again.configuration == C


def test_the_score_of_a_trial_that_did_not_finish_is_unknown() -> None:
    assert math.isnan(Trial.of(C, 0.9, None, "timeout").score)


def test_success_needs_a_score() -> None:
    with pytest.raises(InvalidInputError, match="finite"):
        Trial.of(C, math.inf, None, "ok")


@pytest.mark.parametrize("score", ["0.9", np.array([0.5, 0.6]), True, float("nan")])
def test_a_score_is_one_number(score: object) -> None:
    with pytest.raises(InvalidInputError, match=r"of several folds their mean"):
        Trial.of(C, score, 0.1, "ok")


@pytest.mark.parametrize("seconds", [-1, "1"])
def test_seconds_are_a_number_from_zero(seconds: object) -> None:
    with pytest.raises(InvalidInputError, match="seconds"):
        Trial.of(C, 0.9, seconds, "ok")
