"""Foundation models as scikit-learn estimators that can be stored: they keep the training rows, not the weights."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from metalearn.exceptions import MissingExtraError
from metalearn.models import foundation
from metalearn.task import ProblemType

__all__: list[str] = []  # model specs name these functions as "metalearn.models.in_context:function"

DEVICE_VARIABLE = "METALEARN_DEVICE"


@contextmanager
def _threads(n_jobs: int) -> Iterator[None]:
    import torch  # noqa: PLC0415 - slow to import

    before = torch.get_num_threads()
    torch.set_num_threads(n_jobs if n_jobs > 0 else os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _InContext(BaseEstimator):  # type: ignore[misc]
    """Predict rows from the training rows with a pretrained network."""

    def __init__(self, family: str, params: dict[str, Any], random_state: int = 0, n_jobs: int = 1) -> None:
        self.family = family
        self.params = params
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the rows and prepare the network."""
        self.X_ = np.asarray(X, dtype=np.float32)
        self.y_ = np.asarray(y)
        self.n_features_in_ = self.X_.shape[1]
        self._prepare()
        return self

    def _prepare(self) -> None:
        is_classifier = isinstance(self, ClassifierMixin)
        kind = ProblemType.MULTICLASS if is_classifier else ProblemType.REGRESSION
        make = {"tabicl": _tabicl_model, "tabpfn": _tabpfn_model}[self.family]
        with _threads(self.n_jobs):
            self._model = make(kind, self.params, self.random_state, self.n_jobs).fit(self.X_, self.y_)

    def _ask(self, method: str, X: Any) -> npt.NDArray[Any]:
        check_is_fitted(self, "X_")
        if not hasattr(self, "_model"):  # read from a file, or sent to another process
            self._prepare()
        with _threads(self.n_jobs):
            return np.asarray(getattr(self._model, method)(np.asarray(X, dtype=np.float32)))

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict classes or numbers, shape (n_rows,)."""
        return self._ask("predict", X)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_model"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class InContextClassifier(ClassifierMixin, _InContext):  # type: ignore[misc]
    """Classify rows from the training rows with a pretrained network."""

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the rows and prepare the network."""
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        return super().fit(X, codes)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Predict classes, shape (n_rows,)."""
        return np.asarray(self.classes_[self._ask("predict", X).astype(int)])

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict probabilities, shape (n_rows, n_classes)."""
        return self._ask("predict_proba", X).astype(np.float64)


class InContextRegressor(RegressorMixin, _InContext):  # type: ignore[misc]
    """Predict numbers from the training rows with a pretrained network; parameters as in ``InContextClassifier``."""


def _device() -> str | None:
    return os.environ.get(DEVICE_VARIABLE) or None


def _checkpoint(family: str, kind: ProblemType) -> str | None:
    found = foundation.find_checkpoint(family, kind)
    if found is None and not foundation.downloads_allowed():
        raise MissingExtraError(foundation.missing_weights(family))
    return None if found is None else str(found)


def _tabicl_model(kind: ProblemType, params: dict[str, Any], random_state: int, n_jobs: int) -> Any:
    from tabicl import TabICLClassifier, TabICLRegressor  # noqa: PLC0415 - optional

    model = TabICLClassifier if kind.is_classification else TabICLRegressor
    return model(
        **params,
        model_path=_checkpoint("tabicl", kind),
        allow_auto_download=foundation.downloads_allowed(),
        device=_device(),
        random_state=random_state,
        n_jobs=n_jobs,
    )


def _tabpfn_model(kind: ProblemType, params: dict[str, Any], random_state: int, n_jobs: int) -> Any:
    from tabpfn import TabPFNClassifier, TabPFNRegressor  # noqa: PLC0415 - optional
    from tabpfn.constants import ModelVersion  # noqa: PLC0415

    model = TabPFNClassifier if kind.is_classification else TabPFNRegressor
    fixed = {
        **params,
        "device": _device() or "auto",
        "ignore_pretraining_limits": True,  # this library has limits of its own, and a CPU may be slow
        "random_state": random_state,
        "n_preprocessing_jobs": n_jobs,
    }
    path = _checkpoint("tabpfn", kind)
    return (
        model.create_default_for_version(ModelVersion.V2, **fixed) if path is None else model(**fixed, model_path=path)
    )


def _make(family: str, params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> Any:
    model = InContextClassifier if problem_type.is_classification else InContextRegressor
    return model(family, params, random_state=random_state, n_jobs=n_jobs or 1)


def tabicl(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:
    """Return TabICL as an estimator."""
    return _make("tabicl", params, problem_type, random_state, n_jobs)


def tabpfn(params: dict[str, Any], problem_type: ProblemType, random_state: int, n_jobs: int | None) -> BaseEstimator:
    """Return TabPFN as an estimator."""
    return _make("tabpfn", params, problem_type, random_state, n_jobs)
