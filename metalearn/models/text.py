"""Text becomes numbers: what its words say about the target."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted

from metalearn.task import ProblemType

__all__ = ["TextEncoder", "texts"]

_FEATURES = 2**16
_SHRINKAGE = 1.0
_FOLDS = 5
_WORD = r"(?u)[\u3040-\u30ff\u3400-\u9fff]|\b\w\w+\b"
"""A word of at least two letters; Chinese and Japanese are written without spaces, so there each sign is one."""


class TextEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Encode text by the target, as a target encoder does with categories."""

    def __init__(self, problem_type: ProblemType | str) -> None:
        self.problem_type = problem_type

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn what the words of each column say about the target."""
        self._fit(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **params: Any) -> npt.NDArray[np.float64]:  # noqa: ARG002
        """Fit, and encode each row by what the other folds say."""
        weighed, targets = self._fit(X, y)
        n_folds = min(_FOLDS, len(targets))
        if n_folds < 2:  # noqa: PLR2004 - one row has no other
            return self.transform(X)
        found = np.empty((len(targets), len(weighed), targets.shape[1]))
        for fitted, held_out in KFold(n_folds, shuffle=True, random_state=0).split(targets):
            for i, words in enumerate(weighed):
                found[held_out, i] = words[held_out] @ _effects(words[fitted], targets[fitted])
        return found.reshape(len(targets), -1)

    def transform(self, X: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Encode text."""
        check_is_fitted(self, "effects_")
        if not len(X):  # the vectorizer looks for a first text
            return np.empty((0, sum(effects.shape[1] for effects in self.effects_)))
        found = [
            rarity.transform(_counted(X[name])[:, common]) @ effects
            for name, common, rarity, effects in zip(
                self.feature_names_in_, self.common_, self.rarities_, self.effects_, strict=True
            )
        ]
        return np.hstack(found)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:  # noqa: ARG002
        """Name the columns that come out."""
        check_is_fitted(self, "effects_")
        ends = [f"_{label}" for label in self.classes_] if len(self.classes_) > 1 else [""]
        return np.array([name + end for name in self.feature_names_in_ for end in ends], dtype=object)

    def _fit(self, X: pd.DataFrame, y: Any) -> tuple[list[csr_matrix], npt.NDArray[np.float64]]:
        """Fit, and return the weighed words of each column and what was to be explained."""
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        self.n_features_in_ = X.shape[1]
        values = np.asarray(y)
        if ProblemType(self.problem_type).is_classification:
            labels = np.unique(values)
            self.classes_ = labels[1:] if len(labels) == 2 else labels  # noqa: PLR2004 - the second says it all
            targets = (values[:, None] == self.classes_).astype(float)
        else:
            self.classes_ = np.array([])
            targets = values.astype(float)[:, None]
        counts = [_counted(column) for _, column in X.items()]
        self.common_ = [_common(count) for count in counts]
        counts = [count[:, common] for count, common in zip(counts, self.common_, strict=True)]
        self.rarities_ = [TfidfTransformer(sublinear_tf=True).fit(count) for count in counts]
        weighed = [rarity.transform(count) for rarity, count in zip(self.rarities_, counts, strict=True)]
        self.effects_ = [_effects(words, targets) for words in weighed]
        return weighed, targets


def _common(count: csr_matrix) -> npt.NDArray[np.intp]:
    """Return which words stand in several rows; without any, one that stands in none."""
    rows = count.getnnz(axis=0)
    found = np.flatnonzero(rows > 1)
    return found if len(found) else np.array([rows.argmin()])


def _effects(words: csr_matrix, targets: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what each word adds to each target, of shape (n_words, n_targets)."""
    return np.asarray(np.atleast_2d(Ridge(_SHRINKAGE).fit(words, targets).coef_).T)


def _counted(column: "pd.Series[str]") -> csr_matrix:
    count = HashingVectorizer(
        n_features=_FEATURES,
        ngram_range=(1, 2),
        token_pattern=_WORD,
        strip_accents="unicode",
        alternate_sign=False,
        norm=None,
    )
    found: csr_matrix = count.transform(column)
    return found


def texts(X: pd.DataFrame) -> list[str]:
    """List the columns of text."""
    return [str(name) for name, dtype in X.dtypes.items() if pd.api.types.is_object_dtype(dtype)]
