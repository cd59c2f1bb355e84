"""What the estimators' documentation shares."""

from typing import TypeVar

__all__ = ["documented"]

_Class = TypeVar("_Class", bound=type)

_PARAMETERS = """Parameters
    ----------
    n_trials : int or None, default=None
        Configurations to try at most, the default that has to be beaten included; default: as many as ``time_budget``
        allows, or 20 without one.
    time_budget : float or None, default=None
        Wall-clock seconds that ``fit`` may take, from its start to the last fit on all rows.
    metric : str, callable, Metric or None, default=None
        What to optimise; default: ``roc_auc`` for two classes, ``accuracy`` for more, ``r2`` for numbers.
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
    drop : str or sequence of str, default=()
        Columns that are no features, such as identifiers; a table to be predicted may hold them or not.
    keep : str or sequence of str, default=()
        The only columns that are features; empty keeps all.
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
        Whether to show a progress bar; None shows one only on a terminal."""

_ATTRIBUTES = """Attributes
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
    held_out_predictions_ : ndarray of shape (n_rows,) or (n_rows, n_classes)
        Predictions of what is used, numbers or probabilities, for each row by models that did not see it; NaN for rows that no fold tested, and where
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
        Names of the columns, where they are strings."""


def documented(cls: _Class) -> _Class:
    """Put the shared parameters and attributes into a class's docstring."""
    text = cls.__doc__ or ""
    cls.__doc__ = text.replace("{parameters}", _PARAMETERS).replace("{attributes}", _ATTRIBUTES)
    return cls
