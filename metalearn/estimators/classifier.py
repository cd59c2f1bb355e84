"""The classifier."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from metalearn.estimators.base import MetaLearnEstimator
from metalearn.exceptions import InvalidInputError
from metalearn.task import ProblemType

__all__ = ["MetaLearnClassifier", "unstorable"]


class MetaLearnClassifier(ClassifierMixin, MetaLearnEstimator):  # type: ignore[misc]
    """Classify by what worked on tables like this one: search from a recommendation, then keep the best.

    The recommended configurations are cross-validated in their order; what falls behind is dropped early. The library
    default is always among them, and is replaced only by what is better on rows that were held out. Then the winner, or
    a weighted blend of several, is fitted on all rows.

    Parameters
    ----------
    n_trials : int or None, default=None
        Configurations to try at most, the default that has to be beaten included; default: as many as ``time_budget``
        allows, or 20 without one.
    time_budget : float or None, default=None
        Wall-clock seconds that ``fit`` may take, from its start to the last fit on all rows.
    metric : str, callable, Metric or None, default=None
        What to optimise; default: ``roc_auc`` for two classes, ``accuracy`` for more.
        Any scorer of scikit-learn's, by name, or of your own: ``scorer(model, X, y)``, the greater the better.
    families : str, sequence of str or None, default=None
        Model families to choose from; default: all whose package is installed.
    blend : bool, default=True
        Whether a weighted blend of several configurations may be used, where it is better on rows held out.
    cv : int, splitter, iterable or None, default=None
        Folds of the cross-validation: how many, a splitter of scikit-learn such as ``TimeSeriesSplit()``, or pairs of rows
        to train on and to test on; default: 5, or 3 where there are more than 5,000 rows.
    categorical : str or sequence of str, default=()
        Columns that are categorical whatever they look like.
    knowledge_base : KnowledgeBase, Store, str, Path, list of these or None, default=None
        What the recommendation is learned from; default: the bundled knowledge base.
    recommender : str, default="auto"
        Name of the strategy.
    record_to : Store, str, Path or None, default=None
        Where to add the results, so that later recommendations learn from them; no row of the table goes there.
    name : str or None, default=None
        What to call the table there, through all versions of its data; default: nothing that tells its name.
    n_jobs : int or None, default=None
        Fits that run at the same time, each on one thread; None means 1, -1 one for each processor.
    random_state : int, RandomState or None, default=0
        Seed of folds and models.
    progress : bool or None, default=None
        Whether to show a progress bar; None shows one only on a terminal.

    Attributes
    ----------
    recommendation_ : Recommendation
        What the search began with.
    leaderboard_ : DataFrame
        One row a trial, the best first.
    best_configuration_ : Configuration
        The best one in use.
    best_score_, default_score_ : float
        Cross-validated score of what is used, and of the default that had to be beaten.
    expected_improvement_ : float
        By how much one more trial is expected to improve on the best score, in units of the metric; NaN if unknown.
    held_out_scores_ : dict of str to float
        Scores of the default, the best single configuration and the blend on folds that had no say in choosing them.
    held_out_predictions_ : ndarray of shape (n_rows, n_classes)
        Probabilities of what is used, for each row by models that did not see it; NaN for rows that no fold tested, and where
        nothing was compared. For choosing a threshold, or stacking. A file of the model does not hold them.
    decision_ : str
        What is used, in a sentence.
    history_ : tuple of Evaluation
        Every metric of every fold of every trial.
    members_ : list of Member
        The fitted pipelines and their weights.
    metric_ : Metric
        What was optimised.
    problem_type_ : ProblemType
        The kind of problem.
    seconds_ : float
        Wall-clock seconds that ``fit`` took.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns, where they are strings.
    classes_ : ndarray of shape (n_classes,)
        The classes.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> model = MetaLearnClassifier(n_trials=2, families=["linear", "gaussian_nb"]).fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
    """

    def _read_target(self, y: Any) -> tuple[npt.NDArray[Any], ProblemType, int]:
        y = column_or_1d(_plain(y), warn=True)
        n_missing = int(pd.isna(y).sum())
        if n_missing:
            message = (
                f"The target is missing in {n_missing:,} of {len(y):,} rows. Expected a class in every row. "
                "Leave those rows out: X[y.notna()], y[y.notna()] (metalearn.tune and metalearn.recommend do so)."
            )
            raise InvalidInputError(message)
        assert_all_finite(y, input_name="y")
        try:
            if len(pd.unique(y)) > 2:  # noqa: PLR2004 - two fractions are two classes
                check_classification_targets(y)
            codes, self.classes_ = _encoded(y)
        except (TypeError, ValueError) as error:  # fractions, or labels of several types
            message = (
                f"The target cannot be used as classes: {str(error).rstrip('.')}. Expected whole numbers, text or booleans, all of one type. "
                "Convert it, as by y.astype(str); where it holds quantities, predict them by regression "
                "(problem_type='regression', --task regression)."
            )
            raise InvalidInputError(message) from error
        n_classes = len(self.classes_)
        if n_classes < 2:  # noqa: PLR2004
            message = f"The target has {n_classes} class: {self.classes_.tolist()}. Expected at least two classes. Choose another target."
            raise InvalidInputError(message)
        kind = ProblemType.BINARY if n_classes == 2 else ProblemType.MULTICLASS  # noqa: PLR2004
        return codes, kind, n_classes

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict class probabilities.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            A table with the columns seen in fitting.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        return self._mix(X)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict classes.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            A table with the columns seen in fitting.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels.
        """
        chosen = self._mix(X).argmax(axis=1)
        return np.asarray(self.classes_[chosen])


def _encoded(y: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Return codes and labels; TypeError for labels that a file of the model could not hold."""
    encoder = LabelEncoder()
    codes = encoder.fit_transform(y)
    label = unstorable(encoder.classes_)
    if label is not None:
        message = f"a file of the model could not hold labels such as {label!r}"
        raise TypeError(message)
    return codes, encoder.classes_


def unstorable(labels: Iterable[Any]) -> Any:
    """Return the first label that a model's file could not hold, such as a date or a Decimal; None if it can hold all."""
    return next(
        (
            label
            for label in labels
            if not isinstance(label, str | bytes | bool | Real | np.generic) or isinstance(label, Decimal | Fraction)
        ),
        None,
    )


def _plain(y: Any) -> Any:
    """Return nullable labels and objects as plain integers or booleans: scikit-learn makes floats of the ones, refuses the others."""
    if (
        not isinstance(y, pd.Series | np.ndarray)
        or y.ndim != 1
        or (isinstance(y.dtype, np.dtype) and y.dtype != object)
    ):
        return y
    is_plain = pd.api.types.infer_dtype(y, skipna=False) in ("integer", "boolean")
    return pd.Series(y).astype(object).infer_objects().to_numpy() if is_plain else y
